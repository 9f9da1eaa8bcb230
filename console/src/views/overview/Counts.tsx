import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useFormats, useText } from "../../i18n";
import type { Tone } from "../../parts/Badge";
import { Meter } from "../../parts/Meter";
import { Card } from "../../parts/Page";
import { AttentionBadge, CameraBadge, ConditionBadge } from "../../parts/states";
import { ATTENTION, type FleetOverview } from "./data";

type Devices = FleetOverview["devices"];

/** How many devices need attention and for what; each number leads to them. */
export function AttentionCounts({
  devices,
  project,
}: {
  devices: Devices;
  project: string | undefined;
}) {
  const { overview: text } = useText();
  const needing = ATTENTION.reduce((sum, word) => sum + devices.attention[word], 0);
  const words = [...ATTENTION, "none"] as const;
  return (
    <section aria-label={text.attention} className="attention">
      <h2 className="heard">{text.attention}</h2>
      {words.map((word) => (
        <BigNumber
          key={word}
          word={word}
          count={word === "none" ? devices.total - needing : devices.attention[word]}
          project={project}
        />
      ))}
    </section>
  );
}

function BigNumber({
  word,
  count,
  project,
}: {
  word: (typeof ATTENTION)[number] | "none";
  count: number;
  project: string | undefined;
}) {
  const { overview: text } = useText();
  const formats = useFormats();
  return (
    <Link
      to="/ui/devices"
      search={{ project, attention: [word] }}
      className="attention-card"
      data-any={count > 0}
    >
      <AttentionBadge attention={word} />
      <strong className="attention-count numbers">{formats.number(count)}</strong>
      <span className="small quiet">{text.explained[word]}</span>
    </Link>
  );
}

const CONDITION_ORDER: readonly { state: string; tone: Tone }[] = [
  { state: "running", tone: "good" },
  { state: "restarting", tone: "busy" },
  { state: "resetting", tone: "busy" },
  { state: "stopping", tone: "busy" },
  { state: "abnormal", tone: "bad" },
  { state: "stopped", tone: "none" },
  { state: "awaited", tone: "none" },
  { state: "new", tone: "none" },
];

const STATUS_ORDER: readonly { state: keyof Devices["cameras"]; tone: Tone }[] = [
  { state: "OnLine", tone: "good" },
  { state: "OffLine", tone: "bad" },
  { state: "Register", tone: "none" },
];

/** How many phones are how, and how many cameras are there. */
export function KindCounts({
  devices,
  project,
}: {
  devices: Devices;
  project: string | undefined;
}) {
  const { overview: text, states } = useText();
  const conditions: Record<string, string> = states.condition;
  const statuses: Record<string, string> = states.camera;
  const phones = devices.by_condition.phone;
  return (
    <>
      <Breakdown
        title={text.phones}
        none={text.noPhones}
        total={devices.by_kind.phone}
        parts={CONDITION_ORDER.map(({ state, tone }) => ({
          tone,
          count: phones[state] ?? 0,
          label: conditions[state] ?? state,
          link: (
            <Link to="/ui/devices" search={{ project, kind: "phone", condition: [state] }}>
              <ConditionBadge condition={state} />
            </Link>
          ),
        }))}
      />
      <Breakdown
        title={text.cameras}
        none={text.noCameras}
        total={devices.by_kind.camera}
        parts={STATUS_ORDER.map(({ state, tone }) => ({
          tone,
          count: devices.cameras[state],
          label: statuses[state] ?? state,
          link: (
            <Link to="/ui/devices" search={{ project, kind: "camera", status: [state] }}>
              <CameraBadge status={state} />
            </Link>
          ),
        }))}
      />
    </>
  );
}

function Breakdown({
  title,
  none,
  total,
  parts,
}: {
  title: string;
  none: string;
  total: number;
  parts: readonly { tone: Tone; count: number; label: string; link: ReactNode }[];
}) {
  const { overview: text } = useText();
  const formats = useFormats();
  const shown = parts.filter(({ count }) => count > 0);
  return (
    <Card title={title}>
      {total === 0 ? (
        <p className="quiet">{none}</p>
      ) : (
        <>
          <Meter shares={shown} total={total} />
          <ul className="breakdown numbers">
            {shown.map(({ label, count, link }) => (
              <li key={label}>
                {link}
                <span>
                  {formats.number(count)}{" "}
                  <span className="quiet small">{formats.percent(count / total)}</span>
                </span>
              </li>
            ))}
          </ul>
          <p className="quiet small">{text.devices(formats.number(total))}</p>
        </>
      )}
    </Card>
  );
}
