import { useQueries } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useFormats, useText } from "../../i18n";
import { Badge } from "../../parts/Badge";
import { Skeleton } from "../../parts/Loading";
import { ProblemNotice } from "../../parts/Notice";
import { Card } from "../../parts/Page";
import { JobBadge } from "../../parts/states";
import { Ago, Moment } from "../../parts/Time";
import { jobOf, useSubject } from "./data";
import { operationWord } from "./Reasons";
import { UpdateLink } from "./UpdateLink";

/** Open jobs that are shown; a device has few. */
const JOBS_MAX = 8;

/** A name and what it says; nothing for what is not there. */
export function Pair({ name, children }: { name: string; children: ReactNode }) {
  if (children === null || children === undefined || children === "" || children === false) {
    return null;
  }
  return (
    <>
      <dt>{name}</dt>
      <dd className="break">{children}</dd>
    </>
  );
}

/** What the device is, by its record and in its own words. */
export function Facts() {
  const { ref, device } = useSubject();
  const { device: text } = useText();
  const words: Record<string, string> = text.fact;
  const { adoption, copy, boot } = device;
  const isPhone = device.kind === "phone";
  const tags = Object.entries(device.tags ?? {});
  const asked = adoption && [
    text.adoptionAsked,
    ...(adoption.replace_marker ? [text.adoptionReplaces] : []),
    ...(adoption.from_reported ? [text.adoptionReported] : []),
  ];
  return (
    <Card title={text.facts}>
      <dl className="pairs">
        <Pair name={text.name}>{device.name}</Pair>
        <Pair name={text.server}>
          {device.server && (
            <Link to="/ui/devices" search={{ project: ref.project, server: [device.server] }}>
              {device.server}
            </Link>
          )}
        </Pair>
        <Pair name={text.address}>{device.address && <code>{device.address}</code>}</Pair>
        <Pair name={text.container}>{device.container}</Pair>
        <Pair name={text.profile}>{device.profile}</Pair>
        {isPhone && (
          <Pair name={text.adopted}>
            {device.adopted ? <Yes /> : <Badge tone="warn">{text.notAdopted}</Badge>}
            {asked && <p className="small quiet">{asked.join(" · ")}</p>}
          </Pair>
        )}
        <Pair name={text.copyOf}>
          {copy && (
            <>
              <Link
                to="/ui/devices/$project/$id"
                params={{ project: copy.project, id: copy.id }}
                search={{ project: ref.project }}
              >
                {copy.id}
              </Link>{" "}
              <code>{copy.address}</code>
            </>
          )}
        </Pair>
        {isPhone && (
          <Pair name={text.boot}>
            {boot ? (
              <code className="break">
                {boot.kernel} / {boot.init_start}
              </code>
            ) : (
              <span className="quiet">{text.neverBooted}</span>
            )}
          </Pair>
        )}
        {Object.entries(device.facts).map(([name, value]) => (
          <Pair key={name} name={words[name] ?? name}>
            {value}
          </Pair>
        ))}
        <Pair name={text.tags}>{tags.length > 0 && <Tags tags={tags} />}</Pair>
        <Revisions />
        <Pair name={text.created}>
          <Moment at={device.created_at} />
        </Pair>
        <Pair name={text.changed}>
          <Moment at={device.updated_at} />
        </Pair>
      </dl>
    </Card>
  );
}

/** Its tags, each the way to all that have it. */
function Tags({ tags }: { tags: readonly [string, string][] }) {
  const { ref } = useSubject();
  return (
    <ul className="row">
      {tags.map(([key, value]) => (
        <li key={key} className="chip">
          <Link to="/ui/devices" search={{ project: ref.project, tag: [`${key}:${value}`] }}>
            {key}: {value}
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Yes() {
  const { parts } = useText();
  return <span>{parts.yes}</span>;
}

/** Which accepted change the device is at, and up to which all is dealt with. */
function Revisions() {
  const { device } = useSubject();
  const { device: text } = useText();
  const formats = useFormats();
  const isBehind = device.settled < device.revision;
  return (
    <Pair name={text.revisionName}>
      <span title={text.revisionWhy}>{formats.number(device.revision)}</span>
      {isBehind && <>, {text.settled(formats.number(device.settled))}</>}
    </Pair>
  );
}

/** The jobs that have not ended, and why they wait. */
export function OpenJobs() {
  const { ref, device } = useSubject();
  const { device: text } = useText();
  const formats = useFormats();
  const shown = device.open_jobs.slice(0, JOBS_MAX);
  const jobs = useQueries({ queries: shown.map((job) => jobOf(ref, job)) });
  const rest = device.open_jobs.length - shown.length;
  return (
    <Card title={text.openJobs}>
      {shown.length === 0 && <p className="quiet">{text.noOpenJobs}</p>}
      <ul className="column" hidden={shown.length === 0}>
        {shown.map((id, index) => {
          const query = jobs[index];
          const job = query?.data;
          return (
            <li key={id} className="device-job">
              {job ? (
                <>
                  <div className="row">
                    <JobBadge state={job.state} />
                    <UpdateLink
                      id={job.request}
                      rollout={job.rollout}
                      project={ref.project}
                      label={operationWord(text, job.operation)}
                    />
                    <span className="small quiet">
                      {text.revision(formats.number(job.revision))} · {job.actor} ·{" "}
                      <Ago at={job.accepted_at} />
                    </span>
                  </div>
                  <p className="small break">
                    {Object.entries({ ...job.patch, ...job.record })
                      .map(([name, value]) => `${name} = ${value}`)
                      .join(", ")}
                  </p>
                  {job.detail && <p className="small quiet break">{job.detail}</p>}
                </>
              ) : query?.isError ? (
                <ProblemNotice error={query.error} retry={() => void query.refetch()} />
              ) : (
                <Skeleton height={44} />
              )}
            </li>
          );
        })}
      </ul>
      {rest > 0 && <p className="small quiet">{text.moreJobs(formats.number(rest))}</p>}
    </Card>
  );
}
