import { useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { SelectField, TextField } from "../../parts/Field";
import { useIsNarrow } from "../../parts/narrow";
import { useTypedAlong } from "../../parts/typed";
import { Choices } from "./Choices";
import { useFilterChange, useToggle } from "./change";
import { withKind, withText } from "./filters";
import { MoreFilters } from "./MoreFilters";

/** What is offered of the lists whose values are known. */
const CONDITIONS = [
  "new",
  "awaited",
  "running",
  "restarting",
  "resetting",
  "stopping",
  "stopped",
  "abnormal",
] as const;
const STATUSES = ["OnLine", "OffLine", "Register"] as const;
const ATTENTION = ["trouble", "drift", "restart_pending", "pending"] as const;

/** Which devices are listed. All of it stands in the address. */
export function FilterBar({
  hasKind = true,
}: {
  /** Whether the kind is one of the filters: not where it is asked for by itself. */
  hasKind?: boolean;
} = {}) {
  const { devices: text, states } = useText();
  const search = useSearch({ strict: false });
  const change = useFilterChange();
  const toggle = useToggle();
  const hasMore = MORE.some((name) => search[name] !== undefined);
  const isNarrow = useIsNarrow();
  // On a phone the chips say enough.
  const [isOpen, setOpen] = useState(hasMore && !isNarrow);
  const attention = [
    ...ATTENTION.map((value) => ({ value, label: states.attention[value] })),
    { value: "any", label: text.anyAttention },
    { value: "none", label: states.attention.none },
  ];
  return (
    <search className="filter-bar" aria-label={text.filters}>
      <div className="filter-line">
        <SearchText />
        {(!isNarrow || isOpen) && (
          <>
            {hasKind && (
              <SelectField
                label={text.filter.kind}
                value={search.kind ?? ""}
                choices={[
                  { value: "", label: text.any },
                  { value: "phone", label: states.kind.phone },
                  { value: "camera", label: states.kind.camera },
                ]}
                onChange={(event) => change((search) => withKind(search, event.target.value))}
              />
            )}
            <Choices
              label={text.filter.attention}
              choices={attention}
              chosen={search.attention ?? []}
              onToggle={toggle("attention")}
            />
            <Choices
              label={text.filter.condition}
              choices={CONDITIONS.map((value) => ({ value, label: states.condition[value] }))}
              chosen={search.condition ?? []}
              onToggle={toggle("condition")}
            />
            {search.kind !== "phone" && (
              <Choices
                label={text.filter.status}
                choices={STATUSES.map((value) => ({ value, label: states.camera[value] }))}
                chosen={search.status ?? []}
                onToggle={toggle("status")}
              />
            )}
          </>
        )}
        <Button
          aria-expanded={isOpen}
          aria-controls={isOpen ? "more-filters" : undefined}
          onClick={() => setOpen(!isOpen)}
        >
          {isOpen ? text.fewer : isNarrow ? text.filters : text.more}
        </Button>
      </div>
      {isOpen && <MoreFilters />}
    </search>
  );
}

/** What stands behind the button: it is open from the start where one of them holds. */
const MORE = [
  "frozen",
  "credentials",
  "server",
  "tag",
  "organization",
  "manufacturer",
  "desired",
  "reported",
] as const;

/** The text that is looked for, as it is typed. */
function SearchText() {
  const { devices: text } = useText();
  const held = useSearch({ strict: false }).text ?? "";
  const change = useFilterChange();
  // What is typed letter by letter is one step back, not many.
  const { typed, type } = useTypedAlong(held, (typed) =>
    change((search) => withText(search, "text", typed), held !== ""),
  );
  return (
    <TextField
      label={text.search}
      placeholder={text.searchHint}
      type="search"
      maxLength={128}
      value={typed}
      onChange={(event) => type(event.target.value)}
    />
  );
}
