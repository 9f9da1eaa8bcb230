import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useLive } from "../../api/live";
import type { components } from "../../api/schema";
import { useIsServerAdmin, useMay } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { ButtonLink } from "../../parts/Button";
import { Loaded } from "../../parts/Loading";
import { Meter } from "../../parts/Meter";
import { Notice } from "../../parts/Notice";
import { Card, Page } from "../../parts/Page";
import { Moment } from "../../parts/Time";
import { DeleteProject } from "./DeleteProject";
import { projectQuery } from "./query";
import { General, ProjectSettings } from "./Settings";

type ProjectWithDevices = components["schemas"]["ProjectWithDevices"];

/** How often counts are read anew at most: each is a walk through the project's phones. */
const COUNTED_EVERY_MS = 5_000;

/** One project: what holds for its devices, how many there are, and its end. */
export function ProjectPage() {
  const { projects: text } = useText();
  const { project: id } = useParams({ from: "/ui/projects/$project" });
  const query = useQuery(projectQuery(id));
  const isAdmin = useMay("admin", id);
  const isServerAdmin = useIsServerAdmin();
  useLive(
    [projectQuery(id).queryKey],
    (happened) => [...happened.devices].some((device) => device.startsWith(`${id}/`)),
    COUNTED_EVERY_MS,
  );
  const name = query.data?.name || id;
  return (
    <Page
      title={name}
      note={query.data?.description || (name !== id && <code>{id}</code>)}
      actions={
        isAdmin &&
        query.data && (
          <ButtonLink to="/ui/users" search={{ project: id, tab: "grants" }}>
            {text.toRoles}
          </ButtonLink>
        )
      }
    >
      <Loaded query={query} height={480}>
        {(project) => (
          <>
            <Counts project={project} />
            {!isAdmin && <Notice tone="none">{text.readOnly}</Notice>}
            <General project={project} isAdmin={isAdmin} />
            <ProjectSettings project={project} isAdmin={isAdmin} />
            {isServerAdmin && <DeleteProject project={project} />}
          </>
        )}
      </Loaded>
    </Page>
  );
}

/** How many devices there are, with links to them. */
function Counts({ project }: { project: ProjectWithDevices }) {
  const { projects: text, states } = useText();
  const formats = useFormats();
  const counts = project.devices;
  const conditions = [
    { id: "running", tone: "good" },
    { id: "restarting", tone: "busy" },
    { id: "resetting", tone: "busy" },
    { id: "stopping", tone: "busy" },
    { id: "new", tone: "none" },
    { id: "stopped", tone: "none" },
    { id: "abnormal", tone: "bad" },
  ] as const;
  const shown = conditions.filter(({ id }) => counts[id] > 0 || id === "abnormal");
  return (
    <Card title={text.counts}>
      <dl className="pairs">
        <dt>{text.phones}</dt>
        <dd className="column">
          <span className="row numbers">
            <Link to="/ui/devices" search={{ project: project.id, kind: "phone" }}>
              {formats.number(counts.total)}
            </Link>
            {shown.map(({ id }) => (
              <Link
                key={id}
                to="/ui/devices"
                search={{ project: project.id, kind: "phone", condition: [id] }}
              >
                {states.condition[id]} {formats.number(counts[id])}
              </Link>
            ))}
            {counts.frozen > 0 && (
              <Link
                to="/ui/devices"
                search={{ project: project.id, kind: "phone", frozen: "true" }}
              >
                {text.frozen} {formats.number(counts.frozen)}
              </Link>
            )}
          </span>
          {counts.total > 0 && (
            <Meter
              total={counts.total}
              shares={conditions.map(({ id, tone }) => ({
                tone,
                count: counts[id],
                label: states.condition[id],
              }))}
            />
          )}
        </dd>
        <dt>{text.cameras}</dt>
        <dd className="numbers">
          <Link to="/ui/devices" search={{ project: project.id, kind: "camera" }}>
            {formats.number(project.cameras)}
          </Link>
        </dd>
        <dt>{text.since}</dt>
        <dd>
          <Moment at={project.created_at} />
        </dd>
        <dt>{text.changed}</dt>
        <dd>
          <Moment at={project.updated_at} />
        </dd>
      </dl>
    </Card>
  );
}
