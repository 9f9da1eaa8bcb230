import { useText } from "../i18n";
import { Badge, type Tone } from "./Badge";

const CONDITION_TONES: Record<string, Tone> = {
  new: "none",
  awaited: "none",
  running: "good",
  restarting: "busy",
  resetting: "busy",
  stopping: "busy",
  stopped: "none",
  abnormal: "bad",
};

const CAMERA_TONES: Record<string, Tone> = { OnLine: "good", OffLine: "bad", Register: "none" };

const VALUE_TONES: Record<string, Tone> = {
  shown: "good",
  restart_pending: "warn",
  recorded: "none",
  acknowledged: "good",
  needs_recreate: "warn",
  pending: "busy",
  drift: "bad",
};

const ATTENTION_TONES: Record<string, Tone> = {
  trouble: "bad",
  drift: "bad",
  restart_pending: "warn",
  pending: "busy",
  none: "good",
};

const JOB_TONES: Record<string, Tone> = {
  pending: "none",
  waiting_for_device: "warn",
  waiting_for_restart: "warn",
  running: "busy",
  succeeded: "good",
  failed: "bad",
};

const PHASE_TONES: Record<string, Tone> = {
  collecting: "busy",
  running: "busy",
  paused: "warn",
  stopped: "bad",
  aborted: "bad",
  done: "good",
};

/** The word for a state; the API's own where there is none of ours. */
function word(words: Record<string, string>, state: string): string {
  return words[state] ?? state;
}

/** How a device is doing. */
export function ConditionBadge({ condition }: { condition: string }) {
  const { states } = useText();
  return (
    <Badge tone={CONDITION_TONES[condition] ?? "none"}>{word(states.condition, condition)}</Badge>
  );
}

/** Whether a camera is there. */
export function CameraBadge({ status }: { status: string }) {
  const { states } = useText();
  return <Badge tone={CAMERA_TONES[status] ?? "none"}>{word(states.camera, status)}</Badge>;
}

/** Where a value stands that is desired of a device. */
export function ValueBadge({ state }: { state: string }) {
  const { states } = useText();
  return <Badge tone={VALUE_TONES[state] ?? "none"}>{word(states.value, state)}</Badge>;
}

/** What a device needs attention for; null for nothing. */
export function AttentionBadge({ attention }: { attention: string | null | undefined }) {
  const { states } = useText();
  const state = attention ?? "none";
  return <Badge tone={ATTENTION_TONES[state] ?? "none"}>{word(states.attention, state)}</Badge>;
}

/** Where a job stands. */
export function JobBadge({ state }: { state: string }) {
  const { states } = useText();
  return <Badge tone={JOB_TONES[state] ?? "none"}>{word(states.job, state)}</Badge>;
}

/** Where a rollout stands. */
export function PhaseBadge({ phase }: { phase: string }) {
  const { states } = useText();
  return <Badge tone={PHASE_TONES[phase] ?? "none"}>{word(states.phase, phase)}</Badge>;
}
