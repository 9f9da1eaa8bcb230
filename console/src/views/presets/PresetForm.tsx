import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useRef, useState } from "react";
import { api, ask, change } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { TextField } from "../../parts/Field";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { Card } from "../../parts/Page";
import { useStay } from "../../parts/stay";
import { say } from "../../parts/toasts";
import type { ValueLine } from "../new-update/draft";
import { fieldOf } from "../new-update/request";
import { Values } from "../new-update/Values";
import { Radios } from "../updates/Radios";
import { PresetValues } from "./PresetPage";
import { type Preset, presetsOf } from "./queries";
import { EXAMPLES } from "./template";

/** What another person has done to the preset while it was changed here; null: deleted it. */
type Meanwhile = { preset: Preset | null };

/** Makes a preset, or gives one other values. What was typed stays, whatever the server says. */
export function PresetForm({ project, preset }: { project: string; preset?: Preset }) {
  const { presets: text, states, parts } = useText();
  const formats = useFormats();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState(preset?.name ?? "");
  const [kind, setKind] = useState<string>(preset?.kind ?? "phone");
  const [description, setDescription] = useState(preset?.description ?? "");
  const [lines, setLines] = useState<ValueLine[]>(() => linesOf(preset));
  // The version that was read is what the change is of, whatever is read later.
  const [version, setVersion] = useState(preset?.version ?? 0);
  const [meanwhile, setMeanwhile] = useState<Meanwhile>();
  const isSaved = useRef(false);

  const toList = (shown: string | undefined) =>
    navigate({ to: "/ui/presets", search: { project, ...(shown && { preset: shown }) } });
  const save = useMutation({
    mutationFn: (expected: number) =>
      change((header) =>
        api.PUT("/api/v1/projects/{project}/presets/{preset}", {
          params: { path: { project, preset: name.trim() }, header },
          body: {
            kind,
            description,
            values: Object.fromEntries(lines.map((line) => [line.name, line.value])),
            version: expected,
          },
        }),
      ),
    onSuccess: (saved, expected) => {
      say("good", saved.version === expected ? text.same : text.saved(saved.name));
      const { queryKey } = presetsOf(project);
      client.setQueryData(queryKey, (before) =>
        [...(before ?? []).filter((each) => each.name !== saved.name), saved].sort((one, other) =>
          one.name < other.name ? -1 : 1,
        ),
      );
      // What is being read may be of before.
      void client.invalidateQueries({ queryKey });
      isSaved.current = true;
    },
    onError: async (error) => {
      if (error instanceof ApiProblem && error.code === "preset_moved") {
        setMeanwhile({ preset: await theirs(project, name.trim()) });
      }
    },
  });
  // Whoever has gone elsewhere meanwhile stays there.
  const send = (expected: number) =>
    save.mutate(expected, { onSuccess: (saved) => void toList(saved.name) });
  const typed = JSON.stringify([name, kind, description, lines]);
  const [begunWith] = useState(typed);
  useStay(() => typed !== begunWith && !isSaved.current, parts.leaveTyped);
  const message = save.error instanceof ApiProblem ? save.error.message : "";
  const field = fieldOf(message);
  const faults = new Map<string, string>();
  for (const line of lines) {
    if (message.startsWith(`values.${line.name}: `) || message.includes(`property ${line.name} `)) {
      faults.set(line.name, message);
    }
  }
  const isConflict = meanwhile !== undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setMeanwhile(undefined);
    send(version);
  };
  const take = (found: Preset) => {
    setKind(found.kind);
    setDescription(found.description);
    setLines(linesOf(found));
    setVersion(found.version);
    setMeanwhile(undefined);
    save.reset();
  };
  return (
    <Card title={preset ? `${text.edit}: ${preset.name}` : text.newOne}>
      <form className="column" onSubmit={submit}>
        {isConflict && (
          <Conflict
            meanwhile={meanwhile}
            isBusy={save.isPending}
            keepMine={() => {
              const expected = meanwhile.preset?.version ?? 0;
              setVersion(expected);
              setMeanwhile(undefined);
              send(expected);
            }}
            take={take}
            version={formats.number(meanwhile.preset?.version ?? 0)}
          />
        )}
        {save.isError && !isConflict && faults.size === 0 && field !== "name" && (
          <ProblemNotice error={save.error} />
        )}
        <div className="form-grid">
          {!preset && (
            <TextField
              label={text.name}
              hint={text.nameHint}
              required
              pattern="[A-Za-z0-9._\-]{1,64}"
              spellCheck={false}
              value={name}
              error={field === "name" ? message : undefined}
              onChange={(event) => {
                setName(event.target.value);
                // What was found is another's.
                setMeanwhile(undefined);
              }}
            />
          )}
          <Radios
            legend={text.kind}
            value={kind}
            choices={(["phone", "camera"] as const).map((value) => ({
              value,
              label: states.kind[value],
            }))}
            onChange={setKind}
          />
          <TextField
            label={text.description}
            value={description}
            onChange={(event) => setDescription(event.target.value)}
          />
        </div>
        <h3>{text.values}</h3>
        <Values kind={kind} lines={lines} set={setLines} faults={faults} isTemplate />
        <details>
          <summary>{text.templates}</summary>
          <dl className="value-list">
            {EXAMPLES.flatMap((example) => [
              <dt key={`${example.id}:`}>
                <code>{example.text}</code>
              </dt>,
              <dd key={example.id}>{text.templateMeans[example.id]}</dd>,
            ])}
          </dl>
          <p className="field-hint">{text.lacks}</p>
        </details>
        {lines.length === 0 && <p className="quiet">{text.noValues}</p>}
        <div className="dialog-actions">
          <Button onClick={() => void toList(preset?.name)}>{parts.cancel}</Button>
          <Button
            kind="primary"
            type="submit"
            isBusy={save.isPending || save.isSuccess}
            disabled={lines.length === 0 || name.trim() === "" || isConflict}
          >
            {preset ? text.save : text.make}
          </Button>
        </div>
      </form>
    </Card>
  );
}

/** What somebody else has saved, and which of the two is to be. */
function Conflict({
  meanwhile,
  version,
  isBusy,
  keepMine,
  take,
}: {
  meanwhile: Meanwhile;
  version: string;
  isBusy: boolean;
  keepMine: () => void;
  take: (preset: Preset) => void;
}) {
  const { presets: text } = useText();
  const { preset } = meanwhile;
  return (
    <Notice
      tone="bad"
      actions={
        <>
          <Button kind="danger" isBusy={isBusy} onClick={keepMine}>
            {text.keepMine}
          </Button>
          {preset && <Button onClick={() => take(preset)}>{text.takeTheirs}</Button>}
        </>
      }
    >
      <p>{preset ? text.conflict(version) : text.conflictGone}</p>
      {preset && (
        <>
          <h3>{text.theirs}</h3>
          {preset.description && <p>{preset.description}</p>}
          <PresetValues values={preset.values} />
        </>
      )}
    </Notice>
  );
}

function linesOf(preset: Preset | undefined): ValueLine[] {
  return Object.entries(preset?.values ?? {}).map(([name, value]) => ({ name, value }));
}

/** The preset as it stands now; null if there is none. */
async function theirs(project: string, preset: string): Promise<Preset | null> {
  const params = { path: { project, preset } };
  try {
    return await ask(api.GET("/api/v1/projects/{project}/presets/{preset}", { params }));
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) {
      return null;
    }
    throw error;
  }
}
