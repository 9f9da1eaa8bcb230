import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useMay } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { useProject } from "../../layout/project";
import { Badge } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { Loaded } from "../../parts/Loading";
import { Empty } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { Page } from "../../parts/Page";
import { type Column, Rows } from "../../parts/Rows";
import { Ago } from "../../parts/Time";
import { CreateWebhook } from "./CreateWebhook";
import { standing, type Webhook, webhooksQuery } from "./query";
import { WebhookPage } from "./WebhookPage";

/** The receivers that are told what happens. One is shown where the address names one. */
export function Webhooks() {
  const [id] = useSearch({ strict: false }).id ?? [];
  return id === undefined ? <AllWebhooks /> : <WebhookPage key={id} id={id} />;
}

/** How a webhook is doing, in a word. */
export function WebhookBadge({ webhook }: { webhook: Webhook }) {
  const { webhooks: text } = useText();
  const formats = useFormats();
  const { id, tone } = standing(webhook);
  return (
    <Badge tone={tone}>
      {id === "failing" ? text.failing(formats.number(webhook.failures)) : text[id]}
    </Badge>
  );
}

function AllWebhooks() {
  const { webhooks: text, parts } = useText();
  const isNarrow = useIsNarrow();
  const project = useProject();
  const isAdmin = useMay("admin", project);
  const query = useQuery({ ...webhooksQuery(project), enabled: isAdmin });
  const [isCreating, setCreating] = useState(false);
  if (!isAdmin) {
    return (
      <Page title={text.title}>
        <Empty>{parts.forbidden}</Empty>
      </Page>
    );
  }
  const columns: Column<Webhook>[] = [
    {
      id: "receiver",
      header: text.receiver,
      width: "minmax(140px, 3fr)",
      cell: (webhook) => (
        <Link
          to="/ui/webhooks"
          search={(search) => ({ project: search.project, id: [webhook.id] })}
          title={webhook.url}
        >
          {webhook.url}
        </Link>
      ),
    },
    {
      id: "project",
      header: text.project,
      width: "minmax(100px, 1fr)",
      isWideOnly: true,
      cell: (webhook) => webhook.project ?? text.wholeServer,
    },
    {
      id: "state",
      header: text.state,
      width: "minmax(140px, 1fr)",
      cell: (webhook) => <WebhookBadge webhook={webhook} />,
    },
    {
      id: "taken",
      header: text.lastTaken,
      width: "120px",
      isWideOnly: true,
      cell: (webhook) => <Ago at={webhook.last_success_at} />,
    },
    {
      id: "failure",
      header: text.lastFailure,
      width: "minmax(120px, 2fr)",
      isWideOnly: true,
      cell: (webhook) =>
        webhook.failures > 0 && (
          <span title={webhook.last_failure ?? undefined}>{webhook.last_failure}</span>
        ),
    },
  ];
  return (
    <Page
      title={text.title}
      note={text.note}
      actions={
        <Button kind="primary" onClick={() => setCreating(true)}>
          {text.create}
        </Button>
      }
    >
      <Loaded query={query} height={320}>
        {(webhooks) =>
          webhooks.length === 0 ? (
            <Empty>{text.empty}</Empty>
          ) : (
            <Rows
              label={text.title}
              rows={webhooks}
              rowKey={(webhook) => webhook.id}
              columns={columns}
              isNarrow={isNarrow}
              height={`min(70vh, ${38 + webhooks.length * 44}px)`}
            />
          )
        }
      </Loaded>
      {isCreating && <CreateWebhook onClose={() => setCreating(false)} />}
    </Page>
  );
}
