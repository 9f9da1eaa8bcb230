import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useFormats, useText } from "../../i18n";
import { Skeleton } from "../../parts/Loading";
import { Card } from "../../parts/Page";
import { Moment } from "../../parts/Time";
import type { Plan } from "./plan";
import { type Job, jobsOf, type Update } from "./queries";
import { searchOfSelector } from "./selector";

/** Who asked for what, when, and how it is to go. */
export function Head({ update, isKept }: { update: Update; isKept: boolean }) {
  const { update: text, states } = useText();
  const { rollout } = update;
  const doors: Record<string, string> = text.doors;
  const kinds: Record<string, string> = states.kind;
  const set = Object.entries(rollout?.set ?? {});
  const project = update.project;
  const meant = rollout?.selector && searchOfSelector(project, rollout.kind, rollout.selector);
  return (
    <div className="cards">
      <Card title={text.what}>
        {(rollout || update.rollout_id) && (
          <dl className="pairs">
            {rollout && (
              <>
                <dt>{text.operation}</dt>
                <dd>
                  <Operation operation={rollout.operation} hasValues={set.length > 0} />
                </dd>
                <dt>{text.devices}</dt>
                <dd>
                  {kinds[rollout.kind] ?? rollout.kind}
                  {meant && (
                    <>
                      {" · "}
                      <Link to="/ui/devices" search={meant}>
                        {text.meantBySelector}
                      </Link>
                    </>
                  )}
                </dd>
              </>
            )}
            {rollout?.revert_of && (
              <>
                <dt>{text.revertOf}</dt>
                <dd>
                  <UpdateLink id={rollout.revert_of} project={project} />
                </dd>
              </>
            )}
            {update.rollout_id && (
              <>
                <dt>{text.waveOf}</dt>
                <dd>
                  {text.waveOfRollout(String(update.wave ?? "?"))}{" "}
                  <UpdateLink id={update.rollout_id} project={project} />
                </dd>
              </>
            )}
          </dl>
        )}
        {!rollout && <PlainWhat id={update.id} />}
        {set.length > 0 && (
          <dl className="value-list" aria-label={text.set}>
            {set.flatMap(([name, value]) => [
              <dt key={`${name}:`}>
                <code>{name}</code>
              </dt>,
              <dd key={name}>
                <code>{value}</code>
              </dd>,
            ])}
          </dl>
        )}
        {rollout && set.length === 0 && rollout.operation === "update" && (
          <p className="quiet">{text.setOwn}</p>
        )}
      </Card>
      <Card title={text.asked}>
        <dl className="pairs">
          <dt>{text.who}</dt>
          <dd className="break">
            {update.actor} · {doors[update.door] ?? update.door}
          </dd>
          <dt>{text.project}</dt>
          <dd>
            <Link to="/ui/updates" search={{ project }}>
              {project}
            </Link>
          </dd>
          <dt>{text.accepted}</dt>
          <dd>
            <Moment at={update.accepted_at} />
          </dd>
          <dt>{text.endedAt}</dt>
          <dd>{update.ended_at ? <Moment at={update.ended_at} /> : text.stillOpen}</dd>
          {rollout && isKept && (
            <>
              <dt>{text.nextAt}</dt>
              <dd>
                {rollout.next_at && rollout.phase === "running" ? (
                  <Moment at={rollout.next_at} />
                ) : (
                  text.noNext
                )}
              </dd>
            </>
          )}
          {update.iss_request_id && (
            <>
              <dt>{text.issId}</dt>
              <dd className="break">
                <code>{update.iss_request_id}</code>
              </dd>
            </>
          )}
        </dl>
      </Card>
      {rollout && (
        <Card title={text.planTitle}>
          <PlanText plan={rollout.plan} devices={rollout.devices} />
        </Card>
      )}
    </div>
  );
}

/** What is asked for besides values, or with them. */
function Operation({ operation, hasValues }: { operation: string; hasValues: boolean }) {
  const { update: text } = useText();
  const operations: Record<string, string> = text.operations;
  const said = operations[operation] ?? operation;
  return hasValues && operation !== "update" ? text.withValues(said) : said;
}

/** What is asked by an update that is not in waves: its jobs tell. */
function PlainWhat({ id }: { id: string }) {
  const { update: text } = useText();
  const { data, isPending } = useInfiniteQuery(jobsOf(id, {}));
  const jobs = data?.pages[0]?.jobs ?? [];
  const [first] = jobs;
  if (!first) {
    return isPending ? <Skeleton height={60} /> : null;
  }
  const valuesOf = ({ patch, record }: Job) => ({ ...patch, ...record });
  const values = JSON.stringify(valuesOf(first));
  const isSame = jobs.every((job) => JSON.stringify(valuesOf(job)) === values);
  return (
    <>
      <dl className="pairs">
        <dt>{text.operation}</dt>
        <dd>
          <Operation operation={first.operation} hasValues={values !== "{}"} />
        </dd>
      </dl>
      {isSame ? (
        <dl className="value-list" aria-label={text.set}>
          {Object.entries(valuesOf(first)).flatMap(([name, value]) => [
            <dt key={`${name}:`}>
              <code>{name}</code>
            </dt>,
            <dd key={name}>
              <code>{value}</code>
            </dd>,
          ])}
        </dl>
      ) : (
        <p className="quiet">{text.setOwn}</p>
      )}
    </>
  );
}

/** A plan in words. */
export function PlanText({ plan, devices }: { plan: Plan; devices: number }) {
  const { update: text } = useText();
  const formats = useFormats();
  const { canary = 0, wave = devices, pause_seconds: pause = 0, stop, window } = plan;
  const isOnce = canary === 0 && wave >= devices;
  const said = [
    isOnce && text.planOnce,
    canary > 0 && text.planCanary(formats.number(canary)),
    !isOnce &&
      (canary > 0 ? text.planWave(formats.number(wave)) : text.planWaves(formats.number(wave))),
    pause > 0 && text.planPause(formats.number(pause / 60)),
    stop?.failed_percent && text.planStopPercent(formats.number(stop.failed_percent)),
    stop?.failed && text.planStopNumber(formats.number(stop.failed)),
    window && text.planWindow(window.from, window.to),
  ].filter((each) => typeof each === "string");
  return (
    <ul>
      {said.map((each) => (
        <li key={each}>{each}</li>
      ))}
    </ul>
  );
}

/** A link to an update. */
export function UpdateLink({ id, project }: { id: string; project: string }) {
  return (
    <Link to="/ui/updates/$id" params={{ id }} search={{ project }} className="break">
      <code>{id}</code>
    </Link>
  );
}
