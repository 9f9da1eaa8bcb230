import { useFormats, useText } from "../../i18n";
import { Badge, type Tone } from "../../parts/Badge";
import { Meter } from "../../parts/Meter";
import { PhaseBadge } from "../../parts/states";
import { isOver, notBegun, type Update } from "./queries";

type CountName =
  | "succeeded"
  | "failed"
  | "running"
  | "waiting"
  | "pending"
  | "notBegun"
  | "refused";

/** How many devices of an update stand where. */
export function countsOf(update: Update): { name: CountName; tone: Tone; count: number }[] {
  const { jobs, rollout } = update;
  return [
    { name: "succeeded", tone: "good", count: jobs.succeeded },
    { name: "failed", tone: "bad", count: jobs.failed },
    { name: "running", tone: "busy", count: jobs.running },
    { name: "waiting", tone: "warn", count: jobs.waiting },
    { name: "pending", tone: "none", count: jobs.pending },
    { name: "notBegun", tone: "none", count: notBegun(update) },
    { name: "refused", tone: "bad", count: rollout?.refused ?? 0 },
  ];
}

/** How far an update has come, as a bar. */
export function ProgressMeter({ update }: { update: Update }) {
  const { update: text } = useText();
  // Refused devices are no failures: they stand beside the bar.
  const counts = countsOf(update).filter(({ name }) => name !== "refused");
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  // What is not begun is the bar's own ground.
  const shares = counts
    .filter(({ name }) => name !== "notBegun")
    .map(({ name, tone, count }) => ({ tone, count, label: text.counts[name] }));
  return <Meter shares={shares} total={total} />;
}

/** The same in numbers: those that are not nought. */
export function ProgressNumbers({ update }: { update: Update }) {
  const { update: text } = useText();
  const formats = useFormats();
  const counts = countsOf(update).filter(({ count }) => count > 0);
  if (counts.length === 0) {
    return <span className="quiet">{text.noJobs}</span>;
  }
  return (
    <span className="numbers small">
      {counts.map(({ name, count }) => `${formats.number(count)} ${text.counts[name]}`).join(" · ")}
    </span>
  );
}

/** Where an update stands, in a word: the phase of one in waves, until nothing is left but jobs. */
export function UpdatePhase({ update }: { update: Update }) {
  const { update: text, states } = useText();
  const phase = update.rollout?.phase;
  if (phase !== undefined && phase !== "done") {
    return <PhaseBadge phase={phase} />;
  }
  if (!isOver(update)) {
    return <Badge tone="busy">{text.open}</Badge>;
  }
  const word = phase === "done" ? states.phase.done : text.ended;
  return <Badge tone={update.jobs.failed > 0 ? "bad" : "good"}>{word}</Badge>;
}
