import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, change } from "../../api/client";
import { useFormats, useText } from "../../i18n";
import { Button, ButtonLink } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { ProblemNotice } from "../../parts/Notice";
import { Card } from "../../parts/Page";
import { Moment } from "../../parts/Time";
import { say } from "../../parts/toasts";
import { PresetForm } from "./PresetForm";
import type { Preset } from "./queries";
import { TemplateText } from "./TemplateText";
import { givenVariables } from "./template";

/** One preset: what it asks for, and what can be done with it. */
export function PresetPage({
  preset,
  maySet,
  isEdited,
}: {
  preset: Preset;
  maySet: boolean;
  isEdited: boolean;
}) {
  const { presets: text, states } = useText();
  const formats = useFormats();
  const navigate = useNavigate();
  const [isRemoving, setRemoving] = useState(false);
  const { project, name } = preset;
  if (isEdited && maySet) {
    return <PresetForm project={project} preset={preset} />;
  }
  const kinds: Record<string, string> = states.kind;
  const variables = [...givenVariables(preset.values).keys()];
  return (
    <Card
      title={<span className="break">{name}</span>}
      actions={
        maySet && (
          <>
            <ButtonLink
              kind="primary"
              to="/ui/updates/new"
              search={{ project, preset: name, kind: preset.kind }}
            >
              {text.use}
            </ButtonLink>
            <Button
              onClick={() =>
                void navigate({ to: ".", search: { project, preset: name, tab: "edit" } })
              }
            >
              {text.edit}
            </Button>
            <Button kind="danger" onClick={() => setRemoving(true)}>
              {text.remove}
            </Button>
          </>
        )
      }
    >
      {preset.description && <p className="break">{preset.description}</p>}
      <dl className="pairs">
        <dt>{text.kind}</dt>
        <dd>{kinds[preset.kind] ?? preset.kind}</dd>
        <dt>{text.version}</dt>
        <dd>{formats.number(preset.version)}</dd>
        <dt>{text.changed}</dt>
        <dd>
          <Moment at={preset.updated_at} />
        </dd>
        {variables.length > 0 && (
          <>
            <dt>{text.variables}</dt>
            <dd className="row">
              {variables.map((variable) => (
                <code key={variable} className="chip">
                  {variable}
                </code>
              ))}
            </dd>
          </>
        )}
      </dl>
      <h3>{text.values}</h3>
      <PresetValues values={preset.values} />
      {isRemoving && <RemoveDialog preset={preset} onClose={() => setRemoving(false)} />}
    </Card>
  );
}

/** Values by property, as they were written. */
export function PresetValues({ values }: { values: Record<string, string> }) {
  return (
    <dl className="value-list">
      {Object.entries(values).flatMap(([name, value]) => [
        <dt key={`${name}:`}>
          <code>{name}</code>
        </dt>,
        <dd key={name}>
          <TemplateText value={value} />
        </dd>,
      ])}
    </dl>
  );
}

function RemoveDialog({ preset, onClose }: { preset: Preset; onClose: () => void }) {
  const { presets: text } = useText();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { project, name, version } = preset;
  const remove = useMutation({
    mutationFn: () =>
      change((header) =>
        api.DELETE("/api/v1/projects/{project}/presets/{preset}", {
          params: { path: { project, preset: name }, query: { version }, header },
        }),
      ),
    onSuccess: () => say("good", text.deleted(name)),
    onSettled: () => void client.invalidateQueries({ queryKey: ["presets", project] }),
  });
  // Whoever has gone elsewhere meanwhile stays there.
  const leave = () => void navigate({ to: "/ui/presets", search: { project } });
  return (
    <Confirm
      title={text.removeTitle(name)}
      action={text.remove}
      isDangerous
      isBusy={remove.isPending}
      onConfirm={() => remove.mutate(undefined, { onSuccess: leave })}
      onClose={onClose}
    >
      {remove.isError && <ProblemNotice error={remove.error} />}
      <p>{text.removeWhat}</p>
    </Confirm>
  );
}
