import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { CheckField, SelectField, TextField } from "../../parts/Field";
import { ProblemNotice } from "../../parts/Notice";
import { catalogueOf, type Property, useSubject } from "./data";
import { Conflict, useDesire } from "./desiring";
import { propertyOf } from "./values";

/** The control that fits a property: a choice where there are but two values, else a text. */
export function ValueField({
  label,
  property,
  value,
  isFirst,
  onChange,
}: {
  label: string;
  property: Property | undefined;
  value: string;
  /** Whether the typing begins here. */
  isFirst: boolean;
  onChange: (value: string) => void;
}) {
  const { device: text } = useText();
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isFirst) {
      const field = frame.current?.querySelector<HTMLElement>("input, select");
      field?.focus();
    }
  }, [isFirst]);
  const acts = property?.route?.timing ?? property?.timing;
  const hint = property && (
    <>
      {text.meaning(property.meaning)} {text.allows(property.allows)}{" "}
      {acts === "after_restart" ? text.afterRestart : text.atOnce}
      {property.route?.how === "unsupported" && ` ${property.route.detail}`}
    </>
  );
  return (
    <div ref={frame}>
      {property?.kind === "bool01" ? (
        <SelectField
          label={label}
          hint={hint}
          value={value}
          choices={[
            ...(value === "0" || value === "1" ? [] : [{ value, label: value || "…" }]),
            { value: "0", label: text.isOff },
            { value: "1", label: text.isOn },
          ]}
          onChange={(event) => onChange(event.target.value)}
        />
      ) : (
        <TextField
          label={label}
          hint={hint}
          value={value}
          spellCheck={false}
          autoCapitalize="none"
          inputMode={property?.kind === "integer" ? "numeric" : undefined}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </div>
  );
}

/**
 * Edits one value where it stands. Enter sets it, Escape leaves it. `name` is null for a property
 * that is still to be named.
 */
export function EditValue({
  name: given,
  value: old,
  onClose,
}: {
  name: string | null;
  value: string;
  onClose: () => void;
}) {
  const { device } = useSubject();
  const { device: text, parts } = useText();
  const catalogue = useQuery(catalogueOf(device.profile));
  const [name, setName] = useState(given ?? "");
  const [value, setValue] = useState(old);
  const [isRestarting, setRestarting] = useState(false);
  // What was pressed to come here gets the focus back.
  const [opener] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      if (opener instanceof HTMLElement && opener.isConnected) {
        opener.focus();
      }
    },
    [opener],
  );
  const desiring = useDesire(onClose);
  const properties = catalogue.data?.properties;
  const property = propertyOf(properties, name.trim());
  const canRestart =
    device.kind === "phone" && (property?.route?.timing ?? property?.timing) === "after_restart";
  const set = { [name.trim()]: value };
  const isReady = name.trim() !== "" && (value !== "" || device.kind === "camera");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady && !desiring.isBusy && desiring.conflict === null) {
      desiring.ask(set, canRestart && isRestarting);
    }
  };
  const leave = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      onClose();
    }
  };
  return (
    <form className="column device-edit" onSubmit={submit} onKeyDown={leave}>
      {Boolean(desiring.error) && <ProblemNotice error={desiring.error} />}
      <Conflict
        desiring={desiring}
        set={set}
        restart={canRestart && isRestarting}
        onKeepTheirs={onClose}
      />
      <div className="device-edit-fields">
        {given === null && <NameField name={name} properties={properties} onChange={setName} />}
        <ValueField
          label={given === null ? text.value : text.newValue(given)}
          property={property}
          value={value}
          isFirst={given !== null}
          onChange={setValue}
        />
      </div>
      {canRestart && (
        <CheckField
          label={text.restartToo}
          checked={isRestarting}
          onChange={(event) => setRestarting(event.target.checked)}
        />
      )}
      <div className="row">
        <Button
          kind="primary"
          type="submit"
          isBusy={desiring.isBusy}
          disabled={!isReady || desiring.conflict !== null}
        >
          {text.set}
        </Button>
        <Button onClick={onClose}>{parts.cancel}</Button>
      </div>
    </form>
  );
}

/** The name of a property, with those of the catalogue that may be set to choose from. */
function NameField({
  name,
  properties,
  onChange,
}: {
  name: string;
  properties: readonly Property[] | undefined;
  onChange: (name: string) => void;
}) {
  const { device: text } = useText();
  const { device } = useSubject();
  const list = `properties-of-${device.profile}`;
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => frame.current?.querySelector<HTMLElement>("input")?.focus(), []);
  return (
    <div ref={frame}>
      <TextField
        label={text.property}
        hint={text.propertyHint}
        list={list}
        value={name}
        spellCheck={false}
        autoCapitalize="none"
        onChange={(event) => onChange(event.target.value)}
      />
      <datalist id={list}>
        {properties
          ?.filter((each) => each.updatable && !each.name.endsWith("*"))
          .map((each) => (
            <option key={each.name} value={each.name}>
              {each.meaning}
            </option>
          ))}
      </datalist>
    </div>
  );
}
