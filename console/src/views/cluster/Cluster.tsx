import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask, change } from "../../api/client";
import type { components } from "../../api/schema";
import { useIsServerAdmin } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { Badge } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { Loaded } from "../../parts/Loading";
import { Empty, Notice, ProblemNotice } from "../../parts/Notice";
import { Card, Page } from "../../parts/Page";
import { say } from "../../parts/toasts";
import { Backups } from "./Backups";
import { Catalogue } from "./Catalogue";
import { Nodes } from "./Nodes";

/** How often the nodes are looked at. */
const READ_EVERY_MS = 5_000;

/** The server as a whole, for its administrator. */
export function Cluster() {
  const { cluster: text, parts } = useText();
  const isServerAdmin = useIsServerAdmin();
  const query = useQuery({
    queryKey: ["cluster"],
    queryFn: () => ask(api.GET("/api/v1/cluster")),
    refetchInterval: READ_EVERY_MS,
    enabled: isServerAdmin,
  });
  if (!isServerAdmin) {
    return (
      <Page title={text.title}>
        <Empty>{parts.forbidden}</Empty>
      </Page>
    );
  }
  return (
    <Page title={text.title} note={text.note}>
      <Work />
      <Loaded query={query} height={360}>
        {(cluster) => (
          <>
            <Store cluster={cluster} />
            <Nodes nodes={cluster.nodes} />
          </>
        )}
      </Loaded>
      <Backups />
      <Catalogue />
    </Page>
  );
}

/** Whether anything is done on devices. */
export function Work() {
  const { cluster: text } = useText();
  const client = useQueryClient();
  // What is asked for: another may pause or resume while the question stands.
  const [asking, setAsking] = useState<"pause" | "resume">();
  const query = useQuery({
    queryKey: ["settings"],
    queryFn: () => ask(api.GET("/api/v1/settings")),
    refetchInterval: READ_EVERY_MS,
  });
  const set = useMutation({
    mutationFn: (paused: boolean) =>
      change((header) => api.PUT("/api/v1/settings", { params: { header }, body: { paused } })),
    onSuccess: (settings) => {
      client.setQueryData(["settings"], settings);
      say("good", text.settingsSaved);
      setAsking(undefined);
    },
  });
  return (
    <Loaded query={query} height={110}>
      {({ paused }) => (
        <Card
          title={text.work}
          actions={
            <Button
              kind={paused ? "primary" : "danger"}
              onClick={() => setAsking(paused ? "resume" : "pause")}
            >
              {paused ? text.resume : text.pause}
            </Button>
          }
        >
          <div className="row">
            <Badge tone={paused ? "warn" : "good"}>{paused ? text.paused : text.working}</Badge>
            <span>{paused ? text.pausedNote : text.workingNote}</span>
          </div>
          {asking && (
            <Confirm
              title={asking === "pause" ? text.pauseTitle : text.resumeTitle}
              action={text[asking]}
              isDangerous={asking === "pause"}
              isBusy={set.isPending}
              onConfirm={() => set.mutate(asking === "pause")}
              onClose={() => {
                set.reset();
                setAsking(undefined);
              }}
            >
              {set.isError && <ProblemNotice error={set.error} />}
              <p>{asking === "pause" ? text.pauseWhat : text.resumeWhat}</p>
            </Confirm>
          )}
        </Card>
      )}
    </Loaded>
  );
}

/** What the nodes work on. */
function Store({ cluster }: { cluster: components["schemas"]["Cluster"] }) {
  const { cluster: text } = useText();
  const formats = useFormats();
  const offset = cluster.clock_offset_seconds;
  return (
    <Card title={text.store}>
      {cluster.orphaned_shards > 0 && (
        <Notice tone="warn">
          {text.orphaned}: {formats.number(cluster.orphaned_shards)}. {text.orphanedNote}
        </Notice>
      )}
      <dl className="pairs">
        <dt>{text.storeKind}</dt>
        <dd>{cluster.store}</dd>
        <dt>{text.answeredBy}</dt>
        <dd>{cluster.answered_by}</dd>
        <dt>{text.clock}</dt>
        <dd className="numbers">
          {typeof offset === "number" ? text.clockAhead(formats.number(offset)) : text.unknown}
        </dd>
        <dt>{text.standbys}</dt>
        <dd>{cluster.synchronous_standbys?.join(", ") || text.noStandbys}</dd>
        <dt>{text.orphaned}</dt>
        <dd className="numbers">{formats.number(cluster.orphaned_shards)}</dd>
      </dl>
    </Card>
  );
}
