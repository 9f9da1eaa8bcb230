import { useQuery } from "@tanstack/react-query";
import { useText } from "../../i18n";
import { CheckField, SelectField, TextField } from "../../parts/Field";
import { Notice, ProblemNotice } from "../../parts/Notice";
import type { Search } from "../../search";
import { type Preset, presetsOf } from "../presets/queries";
import { TemplateText } from "../presets/TemplateText";
import { givenVariables } from "../presets/template";
import type { Draft } from "./draft";
import { Values } from "./Values";

/** The second step: what is asked of the devices. */
export function ValuesStep({
  search,
  setSearch,
  kind,
  draft,
  set,
  preset,
  faults,
}: {
  search: Search;
  setSearch: (patch: Search) => void;
  kind: string | undefined;
  draft: Draft;
  set: (patch: Partial<Draft>) => void;
  preset: Preset | undefined;
  faults: ReadonlyMap<string, string>;
}) {
  const { newUpdate: text } = useText();
  return (
    <>
      {search.project && (
        <PresetField
          project={search.project}
          kind={search.kind}
          chosen={search.preset}
          set={(name) => setSearch({ preset: name })}
        />
      )}
      {preset && (
        <PresetVariables
          preset={preset}
          given={draft.variables}
          set={(variables) => set({ variables })}
        />
      )}
      {kind ? (
        <Values
          kind={kind}
          lines={draft.values}
          set={(values) => set({ values })}
          faults={faults}
        />
      ) : (
        <p className="quiet">{text.lacks.kind}</p>
      )}
      {kind === "phone" && (
        <div>
          <CheckField
            label={text.restart}
            checked={draft.restart}
            onChange={(event) => set({ restart: event.target.checked })}
          />
          <p className="field-hint">{text.restartHint}</p>
        </div>
      )}
    </>
  );
}

/** Which preset it begins with. */
function PresetField({
  project,
  kind,
  chosen,
  set,
}: {
  project: string;
  kind: string | undefined;
  chosen: string | undefined;
  set: (name: string | undefined) => void;
}) {
  const { newUpdate: text } = useText();
  const presets = useQuery(presetsOf(project));
  const fitting = (presets.data ?? []).filter(
    (preset) => kind === undefined || preset.kind === kind || preset.name === chosen,
  );
  // Before they are known, too: what is chosen is not shown as none.
  const isUnlisted = chosen !== undefined && !fitting.some((preset) => preset.name === chosen);
  const isGone = isUnlisted && presets.data !== undefined;
  if (presets.data?.length === 0 && chosen === undefined) {
    return null;
  }
  if (presets.data === undefined && presets.isError && chosen === undefined) {
    return <ProblemNotice error={presets.error} retry={() => void presets.refetch()} />;
  }
  return (
    <div className="form-grid">
      <SelectField
        label={text.preset}
        hint={text.presetHint}
        error={isGone ? text.presetGone(chosen) : undefined}
        value={chosen ?? ""}
        choices={[
          { value: "", label: text.presetNone },
          ...(isUnlisted ? [{ value: chosen, label: chosen }] : []),
          ...fitting.map((preset) => ({
            value: preset.name,
            label: preset.description ? `${preset.name} – ${preset.description}` : preset.name,
          })),
        ]}
        onChange={(event) => set(event.target.value || undefined)}
      />
    </div>
  );
}

/** What a preset asks for, and what of it has to be given. */
function PresetVariables({
  preset,
  given,
  set,
}: {
  preset: Preset;
  given: Record<string, string>;
  set: (given: Record<string, string>) => void;
}) {
  const { newUpdate: text } = useText();
  const variables = [...givenVariables(preset.values)];
  return (
    <>
      <Notice tone="none">
        <h3>{text.presetValues}</h3>
        <dl className="value-list">
          {Object.entries(preset.values).flatMap(([name, value]) => [
            <dt key={`${name}:`}>
              <code>{name}</code>
            </dt>,
            <dd key={name}>
              <TemplateText value={value} />
            </dd>,
          ])}
        </dl>
      </Notice>
      {variables.length > 0 && (
        <div className="form-grid">
          {variables.map(([name, defaults]) => {
            const [fallback] = defaults;
            return (
              <TextField
                key={name}
                label={text.variable(name)}
                hint={fallback === undefined ? text.variableNeeded : text.variableDefault(fallback)}
                value={given[name] ?? ""}
                onChange={(event) => set({ ...given, [name]: event.target.value })}
              />
            );
          })}
        </div>
      )}
    </>
  );
}
