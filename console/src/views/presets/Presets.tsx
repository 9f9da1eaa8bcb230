import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useRef } from "react";
import { useMay } from "../../api/session";
import { useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Loaded } from "../../parts/Loading";
import { Empty } from "../../parts/Notice";
import { OneProject, useOnlyProject } from "../../parts/OneProject";
import { Card, Page } from "../../parts/Page";
import "../../styles/updates.css";
import { PresetForm } from "./PresetForm";
import { PresetPage } from "./PresetPage";
import { type Preset, presetsOf } from "./queries";

/** The presets of a project: a list, and the one that the address names beside it. */
export function Presets() {
  const { presets: text } = useText();
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const project = useOnlyProject();
  const maySet = useMay("operator", project);
  const isNew = search.tab === "new";
  return (
    <Page
      title={text.title}
      note={text.note}
      actions={
        project &&
        maySet &&
        !isNew && (
          <Button
            kind="primary"
            onClick={() => void navigate({ to: ".", search: { project, tab: "new" } })}
          >
            {text.newOne}
          </Button>
        )
      }
    >
      <OneProject>
        {(project) => <OfProject key={project} project={project} maySet={maySet} />}
      </OneProject>
    </Page>
  );
}

function OfProject({ project, maySet }: { project: string; maySet: boolean }) {
  const { presets: text } = useText();
  const { preset: chosen, tab } = useSearch({ strict: false });
  const query = useQuery(presetsOf(project));
  // One that somebody else deletes while it is changed here stays: what was typed is in it.
  const edited = useRef<Preset>(undefined);
  return (
    <Loaded query={query} height={360}>
      {(presets) => {
        const found = presets.find((preset) => preset.name === chosen);
        const isEdited = tab === "edit" && edited.current?.name === chosen;
        const shown = found ?? (isEdited ? edited.current : undefined);
        edited.current = shown;
        if (presets.length === 0 && tab !== "new" && !shown) {
          return (
            <Card>
              <Empty>
                {text.empty} {text.emptyWhat}
              </Empty>
            </Card>
          );
        }
        return (
          <div className={presets.length > 0 ? "presets" : "column"}>
            {presets.length > 0 && (
              <Card title={text.list}>
                <PresetList presets={presets} chosen={chosen} />
              </Card>
            )}
            {tab === "new" ? (
              <PresetForm project={project} />
            ) : shown ? (
              <PresetPage
                key={shown.name}
                preset={shown}
                maySet={maySet}
                isEdited={tab === "edit"}
              />
            ) : (
              <Card>
                <Empty>{chosen ? text.gone(chosen) : text.pickOne}</Empty>
              </Card>
            )}
          </div>
        );
      }}
    </Loaded>
  );
}

function PresetList({
  presets,
  chosen,
}: {
  presets: readonly Preset[];
  chosen: string | undefined;
}) {
  const { states } = useText();
  const kinds: Record<string, string> = states.kind;
  return (
    <ul className="preset-list">
      {presets.map((preset) => (
        <li key={preset.name}>
          <Link
            to="/ui/presets"
            search={{ project: preset.project, preset: preset.name }}
            className="preset-link"
            aria-current={preset.name === chosen ? "true" : undefined}
            data-chosen={preset.name === chosen}
          >
            <b className="break">{preset.name}</b>
            <span className="small quiet">
              {kinds[preset.kind] ?? preset.kind}
              {preset.description && ` · ${preset.description}`}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
