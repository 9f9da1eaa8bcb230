import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, change } from "../../api/client";
import type { components } from "../../api/schema";
import { useFormats, useText } from "../../i18n";
import { Button, ButtonLink } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { FormDialog } from "../../parts/FormDialog";
import { Loaded } from "../../parts/Loading";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { Card, Page } from "../../parts/Page";
import { SecretDialog } from "../../parts/Secret";
import { Ago, Moment } from "../../parts/Time";
import { say } from "../../parts/toasts";
import { isComplete, type Typed, WebhookFields } from "./Fields";
import { type Webhook, webhookQuery } from "./query";
import { WebhookBadge } from "./Webhooks";

type Change = components["schemas"]["Change"];

/** One webhook: how its deliveries stand, and what can be done with it. */
export function WebhookPage({ id }: { id: string }) {
  const { webhooks: text } = useText();
  const query = useQuery(webhookQuery(id));
  return (
    <Page
      title={query.data?.url ?? text.title}
      note={query.data && (query.data.project ?? text.wholeServer)}
      actions={
        <ButtonLink to="/ui/webhooks" search={({ id: _, ...search }) => search}>
          {text.back}
        </ButtonLink>
      }
    >
      <Loaded query={query} height={420}>
        {(webhook) => (
          <>
            <Deliveries webhook={webhook} />
            <Settings webhook={webhook} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

/** How deliveries stand, and a test. */
function Deliveries({ webhook }: { webhook: Webhook }) {
  const { webhooks: text } = useText();
  const formats = useFormats();
  const client = useQueryClient();
  const test = useMutation({
    mutationFn: () =>
      change((header) =>
        api.POST("/api/v1/webhooks/{id}/test", { params: { path: { id: webhook.id }, header } }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: webhookQuery(webhook.id).queryKey }),
  });
  return (
    <Card
      title={text.deliveries}
      actions={
        <Button isBusy={test.isPending} onClick={() => test.mutate()}>
          {text.test}
        </Button>
      }
    >
      <dl className="pairs">
        <dt>{text.state}</dt>
        <dd>
          <WebhookBadge webhook={webhook} />
        </dd>
        <dt>{text.lastTaken}</dt>
        <dd>
          <Ago at={webhook.last_success_at} />
        </dd>
        <dt>{text.lastFailure}</dt>
        <dd>
          <Ago at={webhook.last_failure_at} />
        </dd>
        {webhook.last_failure && (
          <>
            <dt>{text.why}</dt>
            <dd className="break">{webhook.last_failure}</dd>
          </>
        )}
        <dt>{text.failures}</dt>
        <dd className="numbers">{formats.number(webhook.failures)}</dd>
        {webhook.next_attempt_at && (
          <>
            <dt>{text.next}</dt>
            <dd>
              <Ago at={webhook.next_attempt_at} />
            </dd>
          </>
        )}
      </dl>
      {test.isError && <ProblemNotice error={test.error} />}
      {test.data && (
        <Notice tone={test.data.taken ? "good" : "bad"}>
          <p>{test.data.taken ? text.taken : text.notTaken}</p>
          <dl className="pairs">
            <dt>{text.status}</dt>
            <dd>{test.data.status ?? text.noAnswer}</dd>
            <dt>{text.took}</dt>
            <dd>{text.milliseconds(formats.number(test.data.took_ms))}</dd>
            {test.data.detail !== "" && (
              <>
                <dt>{text.said}</dt>
                <dd className="break">{test.data.detail}</dd>
              </>
            )}
          </dl>
        </Notice>
      )}
    </Card>
  );
}

/** What it is told of and where, and the ways to change that. */
function Settings({ webhook }: { webhook: Webhook }) {
  const { webhooks: text } = useText();
  const words: Record<string, string> = text.type;
  const [asking, setAsking] = useState<"change" | "delete">();
  const toggle = useChange(webhook.id);
  const close = () => setAsking(undefined);
  return (
    <Card
      title={text.types}
      actions={
        <>
          <Button
            isBusy={toggle.isPending}
            onClick={() => toggle.mutate({ enabled: !webhook.enabled })}
          >
            {webhook.enabled ? text.turnOff : text.turnOn}
          </Button>
          <Button onClick={() => setAsking("change")}>{text.edit}</Button>
          <Button kind="danger" onClick={() => setAsking("delete")}>
            {text.remove}
          </Button>
        </>
      }
    >
      {toggle.isError && <ProblemNotice error={toggle.error} />}
      {!webhook.enabled && <Notice tone="none">{text.offNote}</Notice>}
      <ul>
        {webhook.types.map((type) => (
          <li key={type}>
            {words[type] ?? type} <code className="quiet">{type}</code>
          </li>
        ))}
      </ul>
      <dl className="pairs">
        <dt>{text.made}</dt>
        <dd>
          <Moment at={webhook.created_at} /> ({text.by} {webhook.created_by})
        </dd>
        <dt>{text.changed}</dt>
        <dd>
          <Moment at={webhook.updated_at} />
        </dd>
      </dl>
      {asking === "change" && <ChangeWebhook webhook={webhook} onClose={close} />}
      {asking === "delete" && <DeleteWebhook webhook={webhook} onClose={close} />}
    </Card>
  );
}

/** Changes a webhook. */
function useChange(id: string) {
  const { webhooks: text } = useText();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Change) =>
      change((header) =>
        api.PUT("/api/v1/webhooks/{id}", { params: { path: { id }, header }, body }),
      ),
    onSuccess: ({ secret: _, ...webhook }) => {
      client.setQueryData(webhookQuery(id).queryKey, webhook);
      void client.invalidateQueries({ queryKey: ["webhooks"] });
      say("good", text.saved);
    },
  });
}

function ChangeWebhook({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const { webhooks: text, parts } = useText();
  const save = useChange(webhook.id);
  const [secret, setSecret] = useState<string>();
  const [typed, setTyped] = useState<Typed>({
    url: webhook.url,
    insecure: webhook.url.startsWith("http://"),
    types: webhook.types,
    secretKind: "keep",
    secret: "",
  });
  if (secret !== undefined) {
    return (
      <SecretDialog
        title={text.changedTitle}
        secrets={[{ name: text.secret, value: secret }]}
        onClose={onClose}
      />
    );
  }
  const submit = () =>
    save.mutate(
      {
        url: typed.url,
        insecure: typed.insecure,
        types: [...typed.types],
        secret: typed.secretKind === "own" ? typed.secret : undefined,
        new_secret: typed.secretKind === "make",
      },
      {
        onSuccess: (made) => {
          if (made.secret) {
            setSecret(made.secret);
          } else {
            onClose();
          }
        },
      },
    );
  return (
    <FormDialog
      title={text.edit}
      action={parts.save}
      isBusy={save.isPending}
      error={save.error}
      isReady={isComplete(typed)}
      width={560}
      onSubmit={submit}
      onClose={onClose}
    >
      <WebhookFields typed={typed} edit={(more) => setTyped({ ...typed, ...more })} canKeep />
    </FormDialog>
  );
}

function DeleteWebhook({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const { webhooks: text } = useText();
  const client = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () =>
      change((header) =>
        api.DELETE("/api/v1/webhooks/{id}", { params: { path: { id: webhook.id }, header } }),
      ),
    onSuccess: () => {
      say("good", text.removed);
      void client.invalidateQueries({ queryKey: ["webhooks"] });
    },
  });
  // Where the page was left before the answer, nothing leads away from another.
  const leave = async () => {
    await navigate({ to: "/ui/webhooks", search: ({ id: _, ...search }) => search });
    client.removeQueries({ queryKey: webhookQuery(webhook.id).queryKey });
  };
  return (
    <Confirm
      title={text.removeTitle}
      action={text.remove}
      isDangerous
      isBusy={remove.isPending}
      onConfirm={() => remove.mutate(undefined, { onSuccess: () => void leave() })}
      onClose={onClose}
    >
      {remove.isError && <ProblemNotice error={remove.error} />}
      <p className="break">{text.removeWhat(webhook.url)}</p>
    </Confirm>
  );
}
