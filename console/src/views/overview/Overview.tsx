import { keepPreviousData, usePrefetchQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { useLive } from "../../api/live";
import { useMay } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { useProject } from "../../layout/project";
import { ButtonLink } from "../../parts/Button";
import { CopyButton } from "../../parts/Copy";
import { Skeleton } from "../../parts/Loading";
import { Empty, Notice, ProblemNotice } from "../../parts/Notice";
import { Page } from "../../parts/Page";
import { Ago } from "../../parts/Time";
import { AttentionCounts, KindCounts } from "./Counts";
import { type FleetOverview, latestUpdates, overviewOf } from "./data";
import { Failures } from "./Failures";
import { History } from "./History";
import { samplesOf } from "./history";
import { LatestUpdates, Rollouts } from "./Work";
import "../../styles/overview.css";

/** The command that puts the first devices on record. */
const FIRST_COMMAND = "fleetwright device import devices.csv";

/** What is wrong, why, and where to go: what the day begins with. */
export function Overview() {
  const { overview: text } = useText();
  const formats = useFormats();
  const project = useProject();
  const query = useQuery({ ...overviewOf(project), placeholderData: keepPreviousData });
  usePrefetchQuery(latestUpdates(project));
  useLive(
    [
      ["overview", project],
      ["updates", "latest", project],
    ],
    ({ events }) => events > 0,
    5_000,
  );
  const { data } = query;
  return (
    <Page
      title={text.title}
      note={
        data?.as_of && (
          <>
            {text.counted} <Ago at={data.as_of} />
            {data.devices.frozen > 0 && (
              <>
                {" · "}
                <Link to="/ui/devices" search={{ project, frozen: "true" }}>
                  {text.frozen(formats.number(data.devices.frozen))}
                </Link>
              </>
            )}
          </>
        )
      }
    >
      {query.isError && <ProblemNotice error={query.error} retry={() => void query.refetch()} />}
      {data ? (
        <div
          className="column overview"
          aria-busy={query.isPlaceholderData}
          data-stale={query.isPlaceholderData}
        >
          <Fleet overview={data} project={project} />
        </div>
      ) : (
        !query.isError && <Skeleton height={640} />
      )}
    </Page>
  );
}

function Fleet({ overview, project }: { overview: FleetOverview; project: string | undefined }) {
  const { overview: text } = useText();
  const { as_of, devices, failures, rollouts } = overview;
  const samples = useMemo(() => samplesOf(overview), [overview]);
  if (as_of === null) {
    return <Notice tone="busy">{text.notCounted}</Notice>;
  }
  if (devices.total === 0) {
    return <NoDevices project={project} />;
  }
  return (
    <>
      <AttentionCounts devices={devices} project={project} />
      <div className="overview-grid">
        <div className="column overview-main">
          <History samples={samples} />
          <Failures failures={failures} project={project} />
          <LatestUpdates project={project} />
        </div>
        <div className="column">
          <KindCounts devices={devices} project={project} />
          <Rollouts rollouts={rollouts} project={project} />
        </div>
      </div>
    </>
  );
}

/** How to begin. */
function NoDevices({ project }: { project: string | undefined }) {
  const { overview: text, enrolment } = useText();
  const mayImport = useMay("operator", project);
  const command = project ? `${FIRST_COMMAND} --project ${project}` : FIRST_COMMAND;
  return (
    <Empty
      action={
        <div className="column overview-begin">
          {mayImport && (
            <ButtonLink to="/ui/import" search={{ project }} kind="primary">
              {text.emptyImport}
            </ButtonLink>
          )}
          <div className="row">
            <code>{command}</code>
            <CopyButton text={command} />
          </div>
          <p>
            {text.emptyEnrol}{" "}
            <ButtonLink to="/ui/enrolment" search={{ project }} kind="plain">
              {enrolment.title}
            </ButtonLink>
          </p>
        </div>
      }
    >
      {text.empty}
    </Empty>
  );
}
