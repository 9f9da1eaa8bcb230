import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useText } from "../../i18n";
import { Badge } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { SelectField, TextField } from "../../parts/Field";
import "../../styles/updates.css";
import { catalogue, choicesOf, type Property, propertyOf } from "./catalogue";
import type { ValueLine } from "./draft";
import { PropertyPicker } from "./PropertyPicker";

/** Values by property, each with what the catalogue knows of it. */
export function Values({
  kind,
  lines,
  set,
  faults,
  isTemplate = false,
}: {
  kind: string;
  lines: readonly ValueLine[];
  set: (lines: ValueLine[]) => void;
  /** What the server said of a value, by property. */
  faults: ReadonlyMap<string, string>;
  /** Whether names may stand in them for what a device has of its own. */
  isTemplate?: boolean;
}) {
  const { newUpdate: text } = useText();
  const [isPicking, setPicking] = useState(false);
  const known = useQuery(catalogue).data?.properties ?? [];
  return (
    <div className="column">
      {lines.length > 0 && (
        <ul className="value-lines">
          {lines.map((line, index) => (
            <li key={line.name} className="value-line">
              <ValueField
                line={line}
                property={propertyOf(known, kind, line.name)}
                fault={faults.get(line.name)}
                isTemplate={isTemplate}
                set={(value) =>
                  set(lines.map((each, at) => (at === index ? { ...each, value } : each)))
                }
              />
              <Button
                aria-label={text.removeValue(line.name)}
                title={text.removeValue(line.name)}
                onClick={() => set(lines.filter((_, at) => at !== index))}
              >
                ✕
              </Button>
            </li>
          ))}
        </ul>
      )}
      {lines.length === 0 && <p className="quiet">{text.noValues}</p>}
      <div className="row">
        <Button onClick={() => setPicking(true)}>{text.addValue}</Button>
      </div>
      {isPicking && (
        <PropertyPicker
          kind={kind}
          taken={new Set(lines.map((line) => line.name))}
          hasOwnNames={kind === "phone" && !isTemplate}
          onPick={(name) => {
            set([...lines, { name, value: "" }]);
            setPicking(false);
          }}
          onClose={() => setPicking(false)}
        />
      )}
    </div>
  );
}

/** One value, and what may stand in it. */
function ValueField({
  line,
  property,
  fault,
  isTemplate,
  set,
}: {
  line: ValueLine;
  property: Property | undefined;
  fault: string | undefined;
  isTemplate: boolean;
  set: (value: string) => void;
}) {
  const { newUpdate: text } = useText();
  const choices = isTemplate ? undefined : choicesOf(property);
  const around = {
    label: <code>{line.name}</code>,
    hint: <About property={property} />,
    error: fault,
  };
  return choices ? (
    <SelectField
      {...around}
      value={line.value}
      choices={[
        // Nothing is chosen for anybody: what comes first would be asked for by mistake.
        ...(choices.includes("") ? [] : [{ value: "", label: text.choose }]),
        ...choices.map((value) => ({ value, label: value === "" ? text.nothing : value })),
      ]}
      onChange={(event) => set(event.target.value)}
    />
  ) : (
    <TextField
      {...around}
      spellCheck={false}
      value={line.value}
      onChange={(event) => set(event.target.value)}
    />
  );
}

/** What the catalogue knows of a property. */
export function About({ property }: { property: Property | undefined }) {
  const { newUpdate: text } = useText();
  if (!property) {
    return text.ownNameHint;
  }
  const isAfterRestart = property.timing === "after_restart";
  return (
    <>
      {property.meaning}. {text.allows(property.allows)}{" "}
      {property.default !== null && property.default !== undefined && text.usual(property.default)}{" "}
      <Badge tone={isAfterRestart ? "warn" : "none"}>
        {isAfterRestart ? text.timing.after_restart : text.timing.at_once}
      </Badge>{" "}
      {property.identity && <Badge tone="warn">{text.identity}</Badge>}
    </>
  );
}
