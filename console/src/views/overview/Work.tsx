import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useFormats, useText } from "../../i18n";
import { ButtonLink } from "../../parts/Button";
import { Loaded } from "../../parts/Loading";
import { Meter } from "../../parts/Meter";
import { Card } from "../../parts/Page";
import { PhaseBadge } from "../../parts/states";
import { Ago } from "../../parts/Time";
import { latestUpdates, type OpenRollout } from "./data";

/** How high the latest updates are, so that nothing below them jumps. */
const LATEST_HEIGHT = 276;

/** Rollouts that are shown; the list of updates has the others. */
const SHOWN = 6;

/** The rollouts that are not over, and how far each has come. */
export function Rollouts({
  rollouts,
  project,
}: {
  rollouts: readonly OpenRollout[];
  project: string | undefined;
}) {
  const { overview: text, parts } = useText();
  const formats = useFormats();
  return (
    <Card title={text.rollouts}>
      {rollouts.length === 0 ? (
        <p className="quiet">{text.rolloutsNone}</p>
      ) : (
        <ul className="rollouts">
          {rollouts.slice(0, SHOWN).map((rollout) => (
            <RolloutLine key={rollout.id} rollout={rollout} project={project} />
          ))}
        </ul>
      )}
      {rollouts.length > SHOWN && (
        <Link to="/ui/updates" search={{ project }}>
          {parts.more(formats.number(rollouts.length - SHOWN))}
        </Link>
      )}
    </Card>
  );
}

function RolloutLine({ rollout, project }: { rollout: OpenRollout; project: string | undefined }) {
  const { overview: text } = useText();
  const formats = useFormats();
  const { id, devices, begun, succeeded, failed, why } = rollout;
  const told = [text.progressOf(formats.number(begun), formats.number(devices))];
  if (succeeded != null && failed != null) {
    told.push(
      `${text.succeeded} ${formats.number(succeeded)}`,
      `${text.failed} ${formats.number(failed)}`,
    );
  }
  const underWay = Math.max(0, begun - (succeeded ?? 0) - (failed ?? 0));
  return (
    <li className="column rollout">
      <div className="row">
        <Link to="/ui/updates/$id" params={{ id }} search={{ project }} className="mono break">
          {id}
        </Link>
        <PhaseBadge phase={rollout.phase} />
        {project === undefined && <span className="quiet small">{rollout.project}</span>}
      </div>
      <Meter
        total={devices}
        shares={[
          { tone: "good", count: succeeded ?? 0, label: text.succeeded },
          { tone: "bad", count: failed ?? 0, label: text.failed },
          { tone: "busy", count: underWay, label: text.underWay },
        ]}
      />
      <p className="small quiet numbers">{told.join(" · ")}</p>
      {why && <p className="small break">{why}</p>}
    </li>
  );
}

/** The updates that came last. */
export function LatestUpdates({ project }: { project: string | undefined }) {
  const { overview: text, update: words } = useText();
  const doors: Record<string, string> = words.doors;
  const query = useQuery(latestUpdates(project));
  return (
    <Card
      title={text.updates}
      actions={
        <ButtonLink to="/ui/updates" search={{ project }} kind="plain">
          {text.allUpdates}
        </ButtonLink>
      }
    >
      <Loaded query={query} height={LATEST_HEIGHT}>
        {(updates) =>
          updates.length === 0 ? (
            <p className="quiet">{text.updatesNone}</p>
          ) : (
            <ul className="latest">
              {updates.map((update) => (
                <li key={update.id} className="row">
                  <Link
                    to="/ui/updates/$id"
                    params={{ id: update.id }}
                    search={{ project }}
                    className="mono latest-id"
                  >
                    {update.id}
                  </Link>
                  <span className="small">
                    <Ago at={update.accepted_at} />
                    <span className="quiet">
                      {" "}
                      · {update.actor} · {doors[update.door] ?? update.door}
                      {project === undefined && ` · ${update.project}`}
                      {update.rollout && ` · ${text.waves}`}
                    </span>
                  </span>
                  {update.phase && <PhaseBadge phase={update.phase} />}
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Card>
  );
}
