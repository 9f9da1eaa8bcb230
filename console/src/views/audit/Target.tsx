import { Link, useSearch } from "@tanstack/react-router";
import type { components } from "../../api/schema";

/** What it was done to, with the way to it where it has a view of its own. */
export function Target({
  act: { action, target, project },
}: {
  act: Pick<components["schemas"]["Act"], "action" | "target" | "project">;
}) {
  const search = useSearch({ strict: false });
  const [kind] = action.split(".");
  const here = { project: search.project };
  if (kind === "update" && target !== "") {
    return (
      <Link to="/ui/updates/$id" params={{ id: target }} search={here} title={target}>
        {target}
      </Link>
    );
  }
  if (kind === "user") {
    return (
      <Link to="/ui/users" search={{ ...here, id: [target] }} title={target}>
        {target}
      </Link>
    );
  }
  if (project && (action === "device.rename" || action === "device.tags")) {
    return (
      <Link
        to="/ui/devices/$project/$id"
        params={{ project, id: target }}
        search={here}
        title={target}
      >
        {target}
      </Link>
    );
  }
  return <span title={target}>{target}</span>;
}
