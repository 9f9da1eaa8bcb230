import { useSearch } from "@tanstack/react-router";
import { useFormats, useText } from "../../i18n";
import type { Messages } from "../../i18n/messages";
import { Button } from "../../parts/Button";
import type { Search } from "../../search";
import { useFilterChange } from "./change";
import { type Chip, chipsOf, filterOf, wantedValue, without, withoutFilters } from "./filters";

/** The filters that hold, each to be taken away by itself. */
export function Chips({
  hasKind = true,
}: {
  /** As {@link FilterBar}'s. */
  hasKind?: boolean;
} = {}) {
  const text = useText();
  const formats = useFormats();
  const search = useSearch({ strict: false });
  const change = useFilterChange();
  const chips = chipsOf(filterOf(search)).filter(({ name }) => hasKind || name !== "kind");
  if (chips.length === 0) {
    return null;
  }
  const clear = (search: Search) => ({
    ...withoutFilters(search),
    ...(!hasKind && search.kind !== undefined && { kind: search.kind }),
  });
  return (
    <ul className="filter-chips row" aria-label={text.devices.filters}>
      {chips.map((chip) => {
        const name = text.devices.filter[chip.name];
        const value =
          chip.name === "id"
            ? text.devices.named(formats.number(search.id?.length ?? 0))
            : told(chip, text);
        const label = text.devices.chip(name, value);
        return (
          <li key={`${chip.name} ${chip.value}`} className="chip">
            <span className="break">{label}</span>
            <button
              type="button"
              aria-label={text.parts.remove(label)}
              onClick={() => change((search) => without(search, chip))}
            >
              <span aria-hidden="true">×</span>
            </button>
          </li>
        );
      })}
      <li>
        <Button kind="plain" onClick={() => change(clear)}>
          {text.devices.clearAll}
        </Button>
      </li>
    </ul>
  );
}

/** The words for a filter's value. */
function told({ name, value }: Chip, { devices, parts, states }: Messages): string {
  const words: Partial<Record<Chip["name"], Record<string, string>>> = {
    kind: states.kind,
    frozen: { true: parts.yes, false: parts.no },
    attention: { ...states.attention, any: devices.anyAttention },
    condition: states.condition,
    status: states.camera,
    credentials: devices.credentials,
  };
  if (name === "desired" || name === "reported") {
    const asked = wantedValue(value);
    return asked.value === null
      ? devices.noValue(asked.name)
      : devices.isValue(asked.name, asked.value);
  }
  return words[name]?.[value] ?? value;
}
