import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, change } from "../../api/client";
import type { components } from "../../api/schema";
import { useText } from "../../i18n";
import { CheckField, SelectField, TextField } from "../../parts/Field";
import { FormDialog } from "../../parts/FormDialog";
import { SecretDialog } from "../../parts/Secret";

type Created = components["schemas"]["CreatedKey"];

/** The choice that stands for all projects: no project's id is empty. */
const ALL = "";

/** Whether what is typed so far may stand in a key. What is too long is not cut: it would be another. */
function isWordOf(typed: string): boolean {
  return /^[!-+\--~]{0,128}$/.test(typed);
}

/** Makes an access key, and shows its secret once. */
export function CreateKey({
  projects,
  canOpenAll,
  onClose,
}: {
  projects: readonly string[];
  canOpenAll: boolean;
  onClose: () => void;
}) {
  const { keys: text, parts } = useText();
  const client = useQueryClient();
  // All projects only where that is chosen, or there is none: they may not be known yet.
  const [chosen, choose] = useState<string>();
  const project = chosen ?? projects[0] ?? ALL;
  const [isTakenOver, setTakenOver] = useState(false);
  const [ak, setAk] = useState("");
  const [sk, setSk] = useState("");
  const [strict, setStrict] = useState(false);
  const [created, setCreated] = useState<Created>();
  const create = useMutation({
    mutationFn: () => {
      const given = isTakenOver ? { ak, sk } : {};
      return change((header) =>
        project === ALL
          ? api.POST("/api/v1/keys", {
              params: { header },
              body: { all_projects: true, strict, ...given },
            })
          : api.POST("/api/v1/projects/{project}/keys", {
              params: { path: { project }, header },
              body: { strict, ...given },
            }),
      );
    },
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: ["keys"] });
      setCreated(made);
    },
  });
  if (created) {
    return (
      <SecretDialog
        title={text.createdTitle}
        secrets={[
          { name: text.ak, value: created.ak },
          { name: text.sk, value: created.sk },
        ]}
        onClose={onClose}
      />
    );
  }
  return (
    <FormDialog
      title={text.createTitle}
      action={parts.create}
      isBusy={create.isPending}
      error={create.error}
      isReady={!isTakenOver || [ak, sk].every((word) => word !== "" && isWordOf(word))}
      onSubmit={() => create.mutate()}
      onClose={onClose}
    >
      <SelectField
        label={text.opens}
        value={project}
        choices={[
          ...projects.map((id) => ({ value: id, label: id })),
          ...(canOpenAll ? [{ value: ALL, label: text.opensAll }] : []),
        ]}
        onChange={(event) => choose(event.target.value)}
      />
      <SelectField
        label={text.kind}
        value={isTakenOver ? "take" : "make"}
        choices={[
          { value: "make", label: text.makeNew },
          { value: "take", label: text.takeOver },
        ]}
        onChange={(event) => setTakenOver(event.target.value === "take")}
      />
      {isTakenOver && (
        <>
          <TextField
            label={text.ak}
            hint={isWordOf(ak) ? text.takeOverHint : undefined}
            error={isWordOf(ak) ? undefined : text.takeOverHint}
            required
            spellCheck={false}
            value={ak}
            onChange={(event) => setAk(event.target.value)}
          />
          <TextField
            label={text.sk}
            error={isWordOf(sk) ? undefined : text.takeOverHint}
            type="password"
            autoComplete="new-password"
            required
            value={sk}
            onChange={(event) => setSk(event.target.value)}
          />
        </>
      )}
      <div>
        <CheckField
          label={text.strictLabel}
          checked={strict}
          onChange={(event) => setStrict(event.target.checked)}
        />
        <p className="field-hint">{text.strictHint}</p>
      </div>
    </FormDialog>
  );
}
