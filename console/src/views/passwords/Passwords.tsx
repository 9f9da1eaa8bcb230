import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useLive } from "../../api/live";
import { useFormats, useText } from "../../i18n";
import { Loaded } from "../../parts/Loading";
import { Meter } from "../../parts/Meter";
import { OneProject } from "../../parts/OneProject";
import { Card, Page } from "../../parts/Page";
import { Ago, Moment } from "../../parts/Time";
import "../../styles/passwords.css";
import { Cameras } from "./Cameras";
import { type Counts, countsQuery } from "./query";

/** How often the counts are read anew at most: they are a walk through all cameras. */
const READ_EVERY_MS = 3_000;

/** The passwords that cameras register with: how far a change of them is, and the way to begin one. */
export function Passwords() {
  const { passwords: text } = useText();
  return (
    <Page title={text.title} note={text.note}>
      <OneProject>
        {(project) => (
          <>
            <Progress key={`progress ${project}`} project={project} />
            <Cameras key={project} project={project} />
          </>
        )}
      </OneProject>
    </Page>
  );
}

/** How far it is in the whole project, with links to those that lag behind. */
function Progress({ project }: { project: string }) {
  const { passwords: text } = useText();
  const formats = useFormats();
  const query = useQuery(countsQuery(project));
  useLive(
    [countsQuery(project).queryKey],
    ({ devices }) => [...devices].some((device) => device.startsWith(`${project}/`)),
    READ_EVERY_MS,
  );
  const totalOf = (counts: Counts) =>
    counts.current + counts.old + counts.not_renewed + counts.offline;
  return (
    <Card title={text.progress}>
      <Loaded query={query} height={110}>
        {(counts) =>
          totalOf(counts) === 0 ? (
            <p className="quiet">{text.none}</p>
          ) : (
            <>
              <Meter
                total={totalOf(counts)}
                shares={[
                  { tone: "good", count: counts.current, label: text.current },
                  { tone: "warn", count: counts.old, label: text.old },
                  { tone: "busy", count: counts.not_renewed, label: text.not_renewed },
                  { tone: "none", count: counts.offline, label: text.offline },
                ]}
              />
              <ul className="passwords-counts numbers">
                {(["current", "old", "not_renewed"] as const).map((use) => (
                  <li key={use} data-use={use}>
                    <strong>{formats.number(counts[use])}</strong>{" "}
                    <Link to="/ui/passwords" search={{ project, credentials: [use] }}>
                      {text[use]}
                    </Link>
                  </li>
                ))}
                <li data-use="offline">
                  <strong>{formats.number(counts.offline)}</strong>{" "}
                  <Link to="/ui/passwords" search={{ project, status: ["OffLine", "Register"] }}>
                    {text.offline}
                  </Link>
                </li>
              </ul>
              <p className="quiet">
                {counts.overlap_until ? (
                  <>
                    {text.overlapUntil}: <Moment at={counts.overlap_until} /> (
                    <Ago at={counts.overlap_until} />)
                  </>
                ) : (
                  text.noOverlap
                )}
              </p>
            </>
          )
        }
      </Loaded>
    </Card>
  );
}
