import { Link } from "@tanstack/react-router";
import { useText } from "../../i18n";
import type { Messages } from "../../i18n/messages";
import { Badge } from "../../parts/Badge";
import type { Column } from "../../parts/Rows";
import { AttentionBadge, CameraBadge, ConditionBadge } from "../../parts/states";
import { Ago } from "../../parts/Time";
import type { DeviceRow } from "./list";

/** The columns of the list. The project is in it only where the list is of all. */
export function columnsOf(
  { devices: text, states }: Messages,
  project: string | undefined,
  isNarrow: boolean,
): Column<DeviceRow>[] {
  const kinds: Record<string, string> = states.kind;
  const columns: Column<DeviceRow>[] = [
    {
      id: "device",
      header: text.columns.device,
      width: "minmax(0, 2fr)",
      cell: (row) => (
        <div className="device-name">
          <Link
            to="/ui/devices/$project/$id"
            params={{ project: row.project, id: row.id }}
            search={{ project }}
            preload={false}
          >
            {row.name || row.id}
          </Link>
          <span className="mono small quiet">{row.id}</span>
          <span className="device-narrow small">
            <Reason row={row} />
          </span>
        </div>
      ),
    },
    {
      id: "state",
      header: text.columns.state,
      // As wide as two states beside each other, or below each other.
      width: isNarrow ? "132px" : "216px",
      cell: (row) => <State row={row} />,
    },
    {
      id: "reason",
      header: text.columns.reason,
      width: "minmax(0, 2fr)",
      isWideOnly: true,
      cell: (row) => <Reason row={row} />,
    },
    {
      id: "place",
      header: text.columns.place,
      width: "minmax(0, 1fr)",
      isWideOnly: true,
      cell: (row) => <span title={row.place}>{row.place}</span>,
    },
    {
      id: "kind",
      header: text.columns.kind,
      width: "64px",
      isWideOnly: true,
      cell: (row) => kinds[row.kind] ?? row.kind,
    },
    {
      id: "since",
      header: text.columns.since,
      width: "92px",
      isWideOnly: true,
      cell: (row) => <Ago at={row.since} />,
    },
  ];
  if (project === undefined) {
    columns.splice(4, 0, {
      id: "project",
      header: text.columns.project,
      width: "minmax(0, 0.8fr)",
      isWideOnly: true,
      cell: (row) => <span title={row.project}>{row.project}</span>,
    });
  }
  return columns;
}

/** What a device needs attention for, and how it is doing. */
function State({ row }: { row: DeviceRow }) {
  const { states } = useText();
  return (
    <span className="device-state">
      {row.attention !== null && <AttentionBadge attention={row.attention} />}
      {row.status === null ? (
        <ConditionBadge condition={row.condition} />
      ) : (
        <CameraBadge status={row.status} />
      )}
      {row.frozen && <Badge tone="none">{states.frozen}</Badge>}
    </span>
  );
}

/** Why it needs that: what holds it up comes before what is to be put right on it. */
function Reason({ row }: { row: DeviceRow }) {
  const { devices: text } = useText();
  const told =
    row.trouble ??
    (row.drift.length > 0
      ? text.drift(row.drift.length) + row.drift.join(", ")
      : row.restartPending.length > 0
        ? text.restartPending(row.restartPending.length) + row.restartPending.join(", ")
        : row.openJobs > 0
          ? text.openJobs(row.openJobs)
          : "");
  return <span title={told}>{told}</span>;
}
