import { useText } from "../../i18n";
import { useProjects } from "../../layout/project";
import { SelectField } from "../../parts/Field";
import type { Search } from "../../search";
import { Chips } from "../devices/Chips";
import { FilterBar } from "../devices/FilterBar";
import { filterOf, withKind } from "../devices/filters";
import "../../styles/devices.css";
import { Radios } from "../updates/Radios";
import type { Draft } from "./draft";
import { FileTarget } from "./FileTarget";
import { ListTarget } from "./ListTarget";
import { Matches } from "./Matches";
import { kindOf } from "./request";
import { wayOf } from "./target";

/** The first step: which devices are meant. */
export function TargetStep({
  search,
  setSearch,
  draft,
  set,
  setIds,
  preset,
}: {
  search: Search;
  setSearch: (patch: Search) => void;
  draft: Draft;
  set: (patch: Partial<Draft>) => void;
  setIds: (text: string) => void;
  preset: { kind: string; name: string } | undefined;
}) {
  const { newUpdate: text, states } = useText();
  const way = wayOf(search);
  const kind = kindOf(search, preset);
  const filter = filterOf(search);
  const isOfAll = Object.keys(filter).every((name) => name === "project" || name === "kind");
  return (
    <>
      <div className="form-grid">
        <ProjectField
          project={search.project}
          set={(project) => setSearch({ project, preset: undefined })}
        />
        <Radios
          legend={text.kind}
          value={kind}
          hint={preset && text.kindOfPreset(preset.name)}
          choices={(["phone", "camera"] as const).map((value) => ({
            value,
            label: states.kind[value],
            isDisabled: preset !== undefined && preset.kind !== value,
          }))}
          onChange={(value) => {
            // What only the other kind can be is taken away, too.
            const { server, status, credentials, organization, manufacturer } = withKind(
              search,
              value,
            );
            setSearch({ kind: value, server, status, credentials, organization, manufacturer });
          }}
        />
        <Radios
          legend={text.way}
          value={way}
          choices={(["selection", "list", "file"] as const).map((value) => ({
            value,
            label: text.ways[value],
          }))}
          onChange={(value) => setSearch({ tab: value })}
        />
      </div>
      {way === "selection" && (
        <>
          <FilterBar hasKind={false} />
          <Chips hasKind={false} />
          {isOfAll && <p className="field-hint">{text.selectionAll}</p>}
          {search.project && kind && <Matches filter={{ ...filter, kind }} />}
        </>
      )}
      {way === "list" && (
        <ListTarget project={search.project} kind={kind} ids={draft.ids} setIds={setIds} />
      )}
      {way === "file" && (
        <FileTarget
          hasPreset={search.preset !== undefined}
          file={draft.file}
          set={(file) => set({ file })}
        />
      )}
    </>
  );
}

/** The project of the devices: it is that of the whole console. */
function ProjectField({
  project,
  set,
}: {
  project: string | undefined;
  set: (project: string | undefined) => void;
}) {
  const { newUpdate: text } = useText();
  const projects = useProjects();
  const isKnown = project === undefined || projects.some((each) => each.id === project);
  return (
    <SelectField
      label={text.project}
      hint={text.projectHint}
      value={project ?? ""}
      choices={[
        { value: "", label: text.chooseProject },
        ...(isKnown || !project ? [] : [{ value: project, label: project }]),
        ...projects.map((each) => ({
          value: each.id,
          label: each.name && each.name !== each.id ? `${each.name} (${each.id})` : each.id,
        })),
      ]}
      onChange={(event) => set(event.target.value || undefined)}
    />
  );
}
