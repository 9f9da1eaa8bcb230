import { useText } from "../../i18n";
import { Badge } from "../../parts/Badge";
import { useIsNarrow } from "../../parts/narrow";
import { type Column, Rows } from "../../parts/Rows";
import { DeviceLink } from "../updates/ReasonTable";
import type { Line } from "./predicted";

/** What would come of each device, value by value. */
export function Lines({ lines, project }: { lines: readonly Line[]; project: string }) {
  const { newUpdate: text } = useText();
  const isNarrow = useIsNarrow();
  const acts: Record<string, string> = text.acts;
  const columns: Column<Line>[] = [
    {
      id: "device",
      header: text.device,
      width: isNarrow ? "minmax(0, 1fr)" : "minmax(150px, 2fr)",
      cell: ({ device, away, refused }) => (
        <>
          <DeviceLink project={project} id={device} code={refused?.code} />{" "}
          {away && isNarrow && <br />}
          {away && <Badge tone="warn">{text.away}</Badge>}
        </>
      ),
    },
    {
      id: "property",
      header: text.property,
      width: "minmax(140px, 1.2fr)",
      isWideOnly: true,
      cell: ({ change, refused }) => <code>{change?.name ?? refused?.property ?? ""}</code>,
    },
    {
      id: "now",
      header: text.now,
      width: "minmax(90px, 1fr)",
      isWideOnly: true,
      cell: ({ change }) => change && <Now change={change} />,
    },
    {
      id: "to",
      header: text.to,
      width: isNarrow ? "minmax(0, 1.3fr)" : "minmax(120px, 1.6fr)",
      cell: (line) => <Result line={line} isNarrow={isNarrow} />,
    },
    {
      id: "when",
      header: text.when,
      width: "130px",
      isWideOnly: true,
      cell: ({ change }) =>
        change && (
          <Badge tone={change.acts === "at_once" || change.acts === "record" ? "none" : "warn"}>
            {acts[change.acts] ?? change.acts}
          </Badge>
        ),
    },
  ];
  // Where there is no room beside it, the property and what stands there are above the new value.
  const rowHeight = isNarrow ? 76 : 36;
  return (
    <Rows
      label={text.list}
      rows={lines}
      rowKey={(line) => line.key}
      columns={columns}
      rowHeight={rowHeight}
      isNarrow={isNarrow}
      height={`${Math.min(420, 44 + rowHeight * Math.max(1, lines.length))}px`}
    />
  );
}

/** What the device shows, and what is asked of it where that is another. */
function Now({ change: { shown, desired } }: { change: NonNullable<Line["change"]> }) {
  const { newUpdate: text } = useText();
  const isOther = desired !== null && desired !== undefined && desired !== shown;
  return (
    <>
      {shown === "" ? text.nothing : (shown ?? <span className="quiet">{text.noValue}</span>)}
      {isOther && <span className="quiet"> ({text.asked(desired || text.nothing)})</span>}
    </>
  );
}

/** What a value would be, or why it would not. */
function Result({ line, isNarrow }: { line: Line; isNarrow: boolean }) {
  const { newUpdate: text } = useText();
  const { change, refused, unchanged } = line;
  if (refused) {
    return (
      <span title={refused.detail}>
        <Badge tone="bad">{text.refused}</Badge> {refused.detail}
      </span>
    );
  }
  if (!change) {
    return (
      <span className="quiet" title={unchanged?.join(", ")}>
        {line.outcome === "restart" ? text.isRestarted : text.so}
      </span>
    );
  }
  return (
    <span title={change.to}>
      {isNarrow && (
        <>
          <code>{change.name}</code>
          <br />
          <Now change={change} />
          <br />
        </>
      )}
      → <span className="change-to">{change.to === "" ? text.nothing : change.to}</span>
    </span>
  );
}
