import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { type Happened, useLive } from "../../api/live";
import { ApiProblem } from "../../api/problem";
import { useFormats, useText } from "../../i18n";
import { useProject } from "../../layout/project";
import { Skeleton } from "../../parts/Loading";
import { Empty, Notice, ProblemNotice } from "../../parts/Notice";
import { Card, Page } from "../../parts/Page";
import "../../styles/updates.css";
import { Actions } from "./Actions";
import { FailureCard } from "./FailureCard";
import { Head } from "./Head";
import { JobsCard } from "./JobsCard";
import { countsOf, ProgressMeter, UpdatePhase } from "./Progress";
import { isOver, type Rollout, type Update, updateOf } from "./queries";
import { RefusedCard } from "./RefusedCard";
import { WavesCard } from "./WavesCard";

/** One update: how far it has come, what has failed and why, and what can be done. */
export function UpdatePage() {
  const { id = "" } = useParams({ strict: false });
  const { update: text } = useText();
  const project = useProject();
  const query = useQuery(updateOf(id));
  const update = query.data;
  const isOpen = update !== undefined && !isOver(update);
  const concerns = ({ updates, devices }: Happened) =>
    isOpen && (updates.size > 0 || isOfProject(devices, update.project));
  useLive([["update", id, "head"]], concerns, 2_000);
  useLive([["update", id, "failures"]], concerns, 5_000);

  if (!update) {
    const isUnknown = query.error instanceof ApiProblem && query.error.status === 404;
    return (
      <Page title={text.one}>
        {isUnknown ? (
          <Empty
            action={
              <Link to="/ui/updates" search={{ project }}>
                {text.toList}
              </Link>
            }
          >
            {text.notFound}
          </Empty>
        ) : query.isError ? (
          <ProblemNotice error={query.error} retry={() => void query.refetch()} />
        ) : (
          <Skeleton height={480} />
        )}
      </Page>
    );
  }
  return <Shown key={update.id} update={update} query={query} />;
}

function Shown({ update, query }: { update: Update; query: UseQueryResult<Update> }) {
  const { update: text } = useText();
  const project = useProject();
  // What goes on while it is read keeps the room of all that may come, so that nothing moves.
  const [isKept] = useState(!isOver(update));
  const { rollout } = update;
  return (
    <Page
      title={
        <>
          {text.one} <code className="update-id">{update.id}</code>{" "}
          <span className="update-phase">
            <UpdatePhase update={update} />
          </span>
        </>
      }
      tab={`${text.one} ${update.id.slice(0, 8)}`}
      note={
        <Link to="/ui/updates" search={{ project }}>
          {text.toList}
        </Link>
      }
      actions={<Actions update={update} isKept={isKept} />}
    >
      {query.isError && <ProblemNotice error={query.error} retry={() => void query.refetch()} />}
      {rollout && (isKept || rollout.why) && <Standing rollout={rollout} />}
      <Tallies update={update} isKept={isKept} />
      <Head update={update} isKept={isKept} />
      {rollout && (isKept || rollout.waves.length > 0) && (
        <WavesCard update={update} rollout={rollout} isKept={isKept} />
      )}
      {(isKept || update.jobs.failed > 0) && <FailureCard update={update} isKept={isKept} />}
      <JobsCard update={update} isKept={isKept} />
      {rollout && rollout.refused > 0 && <RefusedCard update={update} />}
    </Page>
  );
}

/** Whether one of these devices, `PROJECT/ID`, is of a project. */
function isOfProject(devices: ReadonlySet<string>, project: string): boolean {
  return [...devices].some((device) => device.startsWith(`${project}/`));
}

/** Why it stands where it does, in the server's words if it says why. */
function Standing({ rollout }: { rollout: Rollout }) {
  const { update: text } = useText();
  const { phase, why } = rollout;
  const standing: Record<string, string> = text.standing;
  const tone = phase === "stopped" ? "bad" : why ? "warn" : "none";
  return (
    <div className="update-why">
      <Notice tone={tone}>{why ?? standing[phase] ?? ""}</Notice>
    </div>
  );
}

/** How many devices stand where. */
function Tallies({ update, isKept }: { update: Update; isKept: boolean }) {
  const { update: text } = useText();
  const formats = useFormats();
  const { rollout } = update;
  const shown = countsOf(update).filter(
    ({ name, count }) =>
      count > 0 ||
      name === "succeeded" ||
      name === "failed" ||
      (isKept && (rollout || (name !== "notBegun" && name !== "refused"))),
  );
  const away = rollout?.away ?? 0;
  return (
    <Card title={text.progress}>
      <ProgressMeter update={update} />
      <ul className="tallies">
        {shown.map(({ name, tone, count }) => (
          <li key={name} className="tally" data-tone={count > 0 ? tone : "none"}>
            <b>{formats.number(count)}</b> {text.counts[name]}
          </li>
        ))}
        {rollout && (isKept || away > 0) && (
          <li className="tally" data-tone={away > 0 ? "warn" : "none"}>
            <b>{formats.number(away)}</b> {text.counts.away}
          </li>
        )}
      </ul>
      {rollout && (
        <p className="small quiet numbers">
          {text.begunOf(formats.number(rollout.begun), formats.number(rollout.devices))}
          {(isKept || away > 0) && (
            <span className={away > 0 ? undefined : "held"}> · {text.awayHint}</span>
          )}
        </p>
      )}
    </Card>
  );
}
