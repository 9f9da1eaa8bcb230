import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, change } from "../../api/client";
import { serverNow } from "../../api/clock";
import { useMay } from "../../api/session";
import { useText } from "../../i18n";
import { Badge } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { TextArea, TextField } from "../../parts/Field";
import { FormDialog } from "../../parts/FormDialog";
import { Loaded } from "../../parts/Loading";
import { ProblemNotice } from "../../parts/Notice";
import { Card } from "../../parts/Page";
import { Moment } from "../../parts/Time";
import { say } from "../../parts/toasts";
import { DAYS_MAX, daysOffered, type Enrolment, enrolmentQuery } from "./query";

/** On what terms cameras may enrol, and the way to change them. */
export function Terms({ project }: { project: string }) {
  const { enrolment: text } = useText();
  const isAdmin = useMay("admin", project);
  const query = useQuery({ ...enrolmentQuery(project), enabled: isAdmin });
  const [asking, setAsking] = useState<"open" | "close">();
  const close = () => setAsking(undefined);
  if (!isAdmin) {
    return (
      <Card title={text.terms}>
        <p className="quiet">{text.adminOnly}</p>
      </Card>
    );
  }
  const terms = query.data;
  return (
    <Card
      title={text.terms}
      actions={
        terms !== undefined && (
          <>
            <Button kind={terms ? "normal" : "primary"} onClick={() => setAsking("open")}>
              {terms ? text.changeIt : text.openIt}
            </Button>
            {terms && (
              <Button kind="danger" onClick={() => setAsking("close")}>
                {text.closeIt}
              </Button>
            )}
          </>
        )
      }
    >
      <Loaded query={query} height={90}>
        {(now) =>
          now === null ? (
            <p className="row">
              <Badge tone="none">{text.closed}</Badge> {text.closedNote}
            </p>
          ) : (
            <>
              <p className="row">
                <Badge tone={now.open ? "good" : "warn"}>{now.open ? text.open : text.over}</Badge>
                {!now.open && text.overNote}
              </p>
              <dl className="pairs">
                <dt>{text.prefixes}</dt>
                <dd className="row">
                  {now.prefixes.map((prefix) => (
                    <code key={prefix} className="chip">
                      {prefix}
                    </code>
                  ))}
                </dd>
                <dt>{text.until}</dt>
                <dd>
                  <Moment at={now.ends_at} />
                </dd>
                <dt>{text.setBy}</dt>
                <dd>
                  {now.set_by} · <Moment at={now.set_at} />
                </dd>
              </dl>
            </>
          )
        }
      </Loaded>
      {asking === "open" && (
        <OpenEnrolment project={project} terms={terms ?? undefined} onClose={close} />
      )}
      {asking === "close" && <CloseEnrolment project={project} onClose={close} />}
    </Card>
  );
}

/** Opens a project, or changes on what terms it is open. */
function OpenEnrolment({
  project,
  terms,
  onClose,
}: {
  project: string;
  terms: Enrolment | undefined;
  onClose: () => void;
}) {
  const { enrolment: text, parts } = useText();
  const client = useQueryClient();
  const [prefixes, setPrefixes] = useState(terms?.prefixes.join("\n") ?? "");
  const [days, setDays] = useState(() => String(daysOffered(terms, serverNow())));
  const [password, setPassword] = useState("");
  const given = prefixes.split(/[\s,;，；]+/).filter((prefix) => prefix !== "");
  const count = Number(days);
  const isDaysRight = Number.isInteger(count) && count >= 1 && count <= DAYS_MAX;
  const open = useMutation({
    mutationFn: () =>
      change((header) =>
        api.PUT("/api/v1/projects/{project}/enrolment", {
          params: { path: { project }, header },
          body: {
            prefixes: given,
            ends_in_days: count,
            password: password === "" ? undefined : password,
          },
        }),
      ),
    onSuccess: (now) => {
      client.setQueryData(enrolmentQuery(project).queryKey, now);
      void client.invalidateQueries({ queryKey: ["pending", project] });
      say("good", text.opened);
      onClose();
    },
  });
  return (
    <FormDialog
      title={terms ? text.changeTitle : text.openTitle}
      action={terms ? parts.save : text.openIt}
      isBusy={open.isPending}
      error={open.error}
      isReady={given.length > 0 && isDaysRight && (terms !== undefined || password !== "")}
      onSubmit={() => open.mutate()}
      onClose={onClose}
    >
      <TextArea
        label={text.prefixes}
        hint={text.prefixesHint}
        required
        spellCheck={false}
        value={prefixes}
        onChange={(event) => setPrefixes(event.target.value)}
      />
      <TextField
        label={text.days}
        hint={isDaysRight ? text.daysHint : undefined}
        error={isDaysRight ? undefined : text.daysHint}
        inputMode="numeric"
        value={days}
        onChange={(event) => setDays(event.target.value)}
      />
      <TextField
        label={text.password}
        hint={terms ? `${text.passwordHint} ${text.passwordKeep}` : text.passwordHint}
        type="password"
        autoComplete="new-password"
        required={!terms}
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
    </FormDialog>
  );
}

function CloseEnrolment({ project, onClose }: { project: string; onClose: () => void }) {
  const { enrolment: text } = useText();
  const client = useQueryClient();
  const close = useMutation({
    mutationFn: () =>
      change((header) =>
        api.DELETE("/api/v1/projects/{project}/enrolment", {
          params: { path: { project }, header },
        }),
      ),
    onSuccess: () => {
      client.setQueryData(enrolmentQuery(project).queryKey, null);
      void client.invalidateQueries({ queryKey: ["pending", project] });
      say("good", text.isClosed);
      onClose();
    },
  });
  return (
    <Confirm
      title={text.closeTitle}
      action={text.closeIt}
      isDangerous
      isBusy={close.isPending}
      onConfirm={() => close.mutate()}
      onClose={onClose}
    >
      {close.isError && <ProblemNotice error={close.error} />}
      <p>{text.closeWhat}</p>
    </Confirm>
  );
}
