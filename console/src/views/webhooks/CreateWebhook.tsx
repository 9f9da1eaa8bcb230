import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, change } from "../../api/client";
import { useIsServerAdmin } from "../../api/session";
import { useText } from "../../i18n";
import { useAdministered } from "../../layout/administered";
import { SelectField } from "../../parts/Field";
import { FormDialog } from "../../parts/FormDialog";
import { SecretDialog } from "../../parts/Secret";
import { say } from "../../parts/toasts";
import { isComplete, type Typed, WebhookFields } from "./Fields";
import { TYPES } from "./query";

/** The choice that stands for the whole server: no project's id is empty. */
const SERVER = "";

/** Makes a webhook, and shows its secret once if the server has made it. */
export function CreateWebhook({ onClose }: { onClose: () => void }) {
  const { webhooks: text, parts } = useText();
  const client = useQueryClient();
  const navigate = useNavigate();
  const isServerAdmin = useIsServerAdmin();
  const { ids } = useAdministered();
  // The whole server only where that is chosen, or there is no project: they may not be known yet.
  const [chosen, choose] = useState<string>();
  const project = chosen ?? ids[0] ?? SERVER;
  const [typed, setTyped] = useState<Typed>({
    url: "",
    insecure: false,
    types: TYPES,
    secretKind: "make",
    secret: "",
  });
  const [made, setMade] = useState<{ id: string; secret: string }>();
  const show = (id: string) => {
    onClose();
    void navigate({
      to: "/ui/webhooks",
      search: (search) => ({ project: search.project, id: [id] }),
    });
  };
  const create = useMutation({
    mutationFn: () =>
      change((header) =>
        api.POST("/api/v1/webhooks", {
          params: { header },
          body: {
            project: project === SERVER ? undefined : project,
            url: typed.url,
            insecure: typed.insecure,
            types: [...typed.types],
            secret: typed.secretKind === "own" ? typed.secret : undefined,
            enabled: true,
          },
        }),
      ),
    onSuccess: ({ id, secret }) => {
      void client.invalidateQueries({ queryKey: ["webhooks"] });
      if (secret) {
        setMade({ id, secret });
      } else {
        say("good", text.saved);
      }
    },
  });
  if (made) {
    return (
      <SecretDialog
        title={text.createdTitle}
        secrets={[{ name: text.secret, value: made.secret }]}
        onClose={() => show(made.id)}
      />
    );
  }
  return (
    <FormDialog
      title={text.createTitle}
      action={parts.create}
      isBusy={create.isPending}
      error={create.error}
      isReady={isComplete(typed)}
      width={560}
      onSubmit={() =>
        create.mutate(undefined, { onSuccess: ({ id, secret }) => secret || show(id) })
      }
      onClose={onClose}
    >
      <SelectField
        label={text.project}
        value={project}
        choices={[
          ...ids.map((id) => ({ value: id, label: id })),
          ...(isServerAdmin ? [{ value: SERVER, label: text.wholeServer }] : []),
        ]}
        onChange={(event) => choose(event.target.value)}
      />
      <WebhookFields
        typed={typed}
        edit={(more) => setTyped({ ...typed, ...more })}
        canKeep={false}
      />
    </FormDialog>
  );
}
