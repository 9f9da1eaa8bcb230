import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, change } from "../../api/client";
import type { components } from "../../api/schema";
import { useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { TextField } from "../../parts/Field";
import { FormDialog } from "../../parts/FormDialog";
import { Card } from "../../parts/Page";
import { say } from "../../parts/toasts";

/** The end of a project. Its id is typed, so that no other one is meant. */
export function DeleteProject({
  project,
}: {
  project: components["schemas"]["ProjectWithDevices"];
}) {
  const { projects: text } = useText();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [isAsking, setAsking] = useState(false);
  const [typed, setTyped] = useState("");
  const remove = useMutation({
    mutationFn: () =>
      change((header) =>
        api.DELETE("/api/v1/projects/{project}", {
          params: { path: { project: project.id }, header },
        }),
      ),
    onSuccess: () => {
      say("good", text.removed(project.id));
      void client.invalidateQueries({ queryKey: ["projects"], exact: true });
    },
  });
  // Where the page was left before the answer, nothing leads away from another.
  const leave = async () => {
    await navigate({ to: "/ui/projects", search: {} });
    client.removeQueries({ queryKey: ["projects", project.id] });
  };
  const hasDevices = project.devices.total + project.cameras > 0;
  return (
    <Card title={text.danger}>
      <p className="quiet">{text.dangerWhy}</p>
      <div className="row">
        <Button kind="danger" disabled={hasDevices} onClick={() => setAsking(true)}>
          {text.remove}
        </Button>
      </div>
      {isAsking && (
        <FormDialog
          title={text.removeTitle(project.id)}
          action={text.remove}
          isDangerous
          isBusy={remove.isPending}
          error={remove.error}
          isReady={typed === project.id}
          onSubmit={() => remove.mutate(undefined, { onSuccess: () => void leave() })}
          onClose={() => {
            setAsking(false);
            setTyped("");
          }}
        >
          <p>{text.removeWhat}</p>
          <TextField
            label={text.typeId(project.id)}
            spellCheck={false}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </FormDialog>
      )}
    </Card>
  );
}
