import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { type FormEvent, useId, useState } from "react";
import { api, ask } from "../../api/client";
import { useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { CheckField, SelectField, TextField } from "../../parts/Field";
import { Choices } from "./Choices";
import { useFilterChange, useToggle } from "./change";
import { withText } from "./filters";

/** The filters that are asked for less often. */
export function MoreFilters() {
  const { devices: text, parts } = useText();
  const search = useSearch({ strict: false });
  const change = useFilterChange();
  const toggle = useToggle();
  const ofPhones = search.kind !== "camera";
  const ofCameras = search.kind !== "phone";
  return (
    <div id="more-filters" className="filter-more">
      {ofPhones && <AddFilter label={text.filter.server} onAdd={toggle("server")} />}
      <AddFilter label={text.filter.tag} placeholder={text.tagHint} onAdd={toggle("tag")} />
      <SelectField
        label={text.filter.frozen}
        value={search.frozen ?? ""}
        choices={[
          { value: "", label: text.any },
          { value: "true", label: parts.yes },
          { value: "false", label: parts.no },
        ]}
        onChange={(event) => change((search) => withText(search, "frozen", event.target.value))}
      />
      {ofCameras && (
        <>
          <AddFilter
            label={text.filter.organization}
            placeholder={text.organizationHint}
            onAdd={(value) => change((search) => withText(search, "organization", value))}
          />
          <AddFilter
            label={text.filter.manufacturer}
            onAdd={(value) => change((search) => withText(search, "manufacturer", value))}
          />
          <Choices
            label={text.filter.credentials}
            choices={(["current", "old", "not_renewed"] as const).map((value) => ({
              value,
              label: text.credentials[value],
            }))}
            chosen={search.credentials ?? []}
            onToggle={toggle("credentials")}
          />
        </>
      )}
      <AddValue />
    </div>
  );
}

/** A filter whose values nobody lists: one is typed and added. */
function AddFilter({
  label,
  placeholder,
  onAdd,
}: {
  label: string;
  placeholder?: string;
  onAdd: (value: string) => void;
}) {
  const { devices: text } = useText();
  const [typed, setTyped] = useState("");
  const add = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim() !== "") {
      onAdd(typed.trim());
      setTyped("");
    }
  };
  return (
    <form className="filter-add" onSubmit={add}>
      <TextField
        label={label}
        placeholder={placeholder}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
      <Button type="submit" aria-label={`${text.add}: ${label}`} disabled={typed.trim() === ""}>
        {text.add}
      </Button>
    </form>
  );
}

/** The filter by a value that is desired of a device, or that it last showed. */
function AddValue() {
  const { devices: text } = useText();
  const toggle = useToggle();
  const names = useId();
  const [of, setOf] = useState<"desired" | "reported">("reported");
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const [hasNone, setHasNone] = useState(false);
  const properties = useQuery({
    queryKey: ["catalogue", "names"],
    queryFn: async () =>
      (await ask(api.GET("/api/v1/catalogue"))).properties.map((property) => property.name),
    staleTime: 300_000,
  });
  const add = (event: FormEvent) => {
    event.preventDefault();
    const property = name.trim();
    if (property !== "") {
      const wanted = hasNone ? `!${property}` : `${property}:${value}`;
      toggle(of)(wanted);
      setName("");
      setValue("");
      setHasNone(false);
    }
  };
  return (
    <form className="filter-value" onSubmit={add} aria-label={text.valueFilter}>
      <SelectField
        label={text.ofWhich}
        value={of}
        choices={[
          { value: "reported", label: text.filter.reported },
          { value: "desired", label: text.filter.desired },
        ]}
        onChange={(event) => setOf(event.target.value === "desired" ? "desired" : "reported")}
      />
      <TextField
        label={text.property}
        list={names}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <datalist id={names}>
        {[...new Set(properties.data ?? [])].map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
      <TextField
        label={text.value}
        disabled={hasNone}
        value={hasNone ? "" : value}
        onChange={(event) => setValue(event.target.value)}
      />
      <CheckField
        label={text.hasNone}
        checked={hasNone}
        onChange={(event) => setHasNone(event.target.checked)}
      />
      <Button
        type="submit"
        aria-label={`${text.add}: ${text.valueFilter}`}
        disabled={name.trim() === ""}
      >
        {text.add}
      </Button>
    </form>
  );
}
