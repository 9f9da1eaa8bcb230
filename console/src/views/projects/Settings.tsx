import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { api, change } from "../../api/client";
import type { components } from "../../api/schema";
import { useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { CheckField, SelectField, TextArea, TextField } from "../../parts/Field";
import { ProblemNotice } from "../../parts/Notice";
import { Card } from "../../parts/Page";
import { say } from "../../parts/toasts";
import { projectQuery } from "./query";

type Project = components["schemas"]["Project"];
type Changed = components["schemas"]["ChangedProject"];

/** The longest overlap that the server takes: 30 days. */
const OVERLAP_HOURS_MAX = 720;

/**
 * What is typed over a project's settings, until it is saved. It lies beside what the server says,
 * so that another's change is shown and nothing that is typed is lost by it.
 */
function useEdits(project: string) {
  const { projects: text } = useText();
  const client = useQueryClient();
  const [edits, setEdits] = useState<Changed>({});
  const save = useMutation({
    mutationFn: ({ edits, more }: { edits: Changed; more?: Changed }) =>
      change((header) =>
        api.PATCH("/api/v1/projects/{project}", {
          params: { path: { project }, header },
          body: { ...edits, ...more },
        }),
      ),
    onSuccess: async (_, saved) => {
      say("good", text.saved);
      await client.invalidateQueries({ queryKey: projectQuery(project).queryKey });
      // What was typed while it was being saved stays: the edits are others by then.
      setEdits((now) => (now === saved.edits ? {} : now));
      void client.invalidateQueries({ queryKey: ["projects"], exact: true });
    },
  });
  return { edits, edit: (more: Changed) => setEdits({ ...edits, ...more }), save };
}

/** A card that is a form, with what the server said of it. */
function FormCard({
  title,
  isAdmin,
  isReady,
  save,
  onSave,
  children,
}: {
  title: string;
  isAdmin: boolean;
  isReady: boolean;
  save: { isError: boolean; isPending: boolean; error: unknown };
  onSave: () => void;
  children: ReactNode;
}) {
  const { parts } = useText();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) {
      onSave();
    }
  };
  return (
    <Card title={title}>
      <form className="column form" onSubmit={submit}>
        {children}
        {save.isError && <ProblemNotice error={save.error} />}
        {isAdmin && (
          <div className="row">
            <Button kind="primary" type="submit" isBusy={save.isPending} disabled={!isReady}>
              {parts.save}
            </Button>
          </div>
        )}
      </form>
    </Card>
  );
}

/** What a project is called. */
export function General({ project, isAdmin }: { project: Project; isAdmin: boolean }) {
  const { projects: text } = useText();
  const { edits, edit, save } = useEdits(project.id);
  const { name, description } = { ...project, ...edits };
  return (
    <FormCard
      title={text.general}
      isAdmin={isAdmin}
      isReady={Object.keys(edits).length > 0 && name !== ""}
      save={save}
      onSave={() => save.mutate({ edits })}
    >
      <TextField
        label={text.name}
        required
        readOnly={!isAdmin}
        value={name ?? ""}
        onChange={(event) => edit({ name: event.target.value })}
      />
      <TextArea
        label={text.description}
        readOnly={!isAdmin}
        value={description ?? ""}
        onChange={(event) => edit({ description: event.target.value })}
      />
    </FormCard>
  );
}

/** What holds for a project's devices. */
export function ProjectSettings({ project, isAdmin }: { project: Project; isAdmin: boolean }) {
  const { projects: text } = useText();
  const { edits, edit, save } = useEdits(project.id);
  const now = { ...project.settings, ...edits };
  const iss = { ...project.settings.iss, ...edits.iss };
  // As it is typed: "1." is no number yet, and none that is given back may take its place.
  const [typedHours, setTypedHours] = useState<string>();
  const hours = typedHours ?? String(project.settings.password_overlap_seconds / 3_600);
  const overlap = Math.round(Number(hours) * 3_600);
  const isHoursRight = hours.trim() !== "" && overlap >= 0 && overlap <= OVERLAP_HOURS_MAX * 3_600;
  const isChanged = Object.keys(edits).length > 0 || typedHours !== undefined;
  return (
    <FormCard
      title={text.settings}
      isAdmin={isAdmin}
      isReady={isChanged && isHoursRight}
      save={save}
      onSave={() =>
        save.mutate(
          { edits, more: typedHours === undefined ? {} : { password_overlap_seconds: overlap } },
          { onSuccess: () => setTypedHours((now) => (now === typedHours ? undefined : now)) },
        )
      }
    >
      <CheckField
        label={text.pausedLabel}
        disabled={!isAdmin}
        checked={now.paused ?? false}
        onChange={(event) => edit({ paused: event.target.checked })}
      />
      <SelectField
        label={text.drift}
        hint={text.driftHint}
        disabled={!isAdmin}
        value={now.drift ?? ""}
        choices={[
          { value: "report", label: text.driftReport },
          { value: "repair", label: text.driftRepair },
        ]}
        onChange={(event) => edit({ drift: event.target.value })}
      />
      <SelectField
        label={text.adoption}
        hint={text.adoptionHint}
        disabled={!isAdmin}
        value={now.adoption ?? ""}
        choices={[
          { value: "unmarked", label: text.adoptionUnmarked },
          { value: "explicit", label: text.adoptionExplicit },
        ]}
        onChange={(event) => edit({ adoption: event.target.value })}
      />
      <CheckField
        label={text.identity}
        disabled={!isAdmin}
        checked={now.identity ?? false}
        onChange={(event) => edit({ identity: event.target.checked })}
      />
      <TextField
        label={text.overlap}
        hint={text.overlapHint}
        error={isHoursRight ? undefined : text.overlapWrong}
        inputMode="decimal"
        readOnly={!isAdmin}
        value={hours}
        onChange={(event) => setTypedHours(event.target.value)}
      />
      <h3>{text.iss}</h3>
      <SelectField
        label={text.issProfile}
        disabled={!isAdmin}
        value={iss.profile ?? ""}
        choices={[
          { value: "460", label: text.iss460 },
          { value: "1344", label: text.iss1344 },
        ]}
        onChange={(event) => edit({ iss: { ...edits.iss, profile: event.target.value } })}
      />
      <CheckField
        label={text.privateIp}
        disabled={!isAdmin}
        checked={iss.private_ip ?? false}
        onChange={(event) => edit({ iss: { ...edits.iss, private_ip: event.target.checked } })}
      />
      <CheckField
        label={text.maskPasswords}
        disabled={!isAdmin}
        checked={iss.mask_passwords ?? false}
        onChange={(event) => edit({ iss: { ...edits.iss, mask_passwords: event.target.checked } })}
      />
    </FormCard>
  );
}
