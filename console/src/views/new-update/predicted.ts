import type { components } from "../../api/schema";

/** What would come of a device. */
export type Device = components["schemas"]["PredictedDevice"];

/** What would come of one value of a device, or of a device that is left as it is or refused. */
export type Line = {
  key: string;
  device: string;
  outcome: "change" | "restart" | "same" | "refused";
  away: boolean;
  change?: components["schemas"]["PredictedChange"];
  /** Of one that is the same: the properties. */
  unchanged?: readonly string[];
  refused?: components["schemas"]["DeviceRefusal"];
};

/** Devices that would be refused for one reason. */
export type Reason = {
  code: string;
  property: string | undefined;
  detail: string;
  count: number;
  /** The first few. */
  devices: string[];
};

/** What a dry run has told so far. */
export type Predicted = {
  devices: number;
  changed: number;
  same: number;
  refused: number;
  away: number;
  /** Those that it restarts itself. */
  restarted: number;
  /** Those that hold a value which acts after a restart, and are not restarted by it. */
  needRestart: number;
  needRecreate: number;
  reasons: Reason[];
  lines: Line[];
  /** How many lines are counted and not kept. */
  linesLeftOut: number;
};

/** The most lines that are kept to be looked at; all are counted. */
export const LINES_MAX = 20_000;

const REASONS_MAX = 100;
const EXAMPLES = 5;

/** Before a dry run. */
export function nothingYet(): Predicted {
  return {
    devices: 0,
    changed: 0,
    same: 0,
    refused: 0,
    away: 0,
    restarted: 0,
    needRestart: 0,
    needRecreate: 0,
    reasons: [],
    lines: [],
    linesLeftOut: 0,
  };
}

/** The lines of a device. */
function linesOf(device: Device): Line[] {
  const { id, away } = device;
  if (device.refused) {
    return [{ key: id, device: id, outcome: "refused", away, refused: device.refused }];
  }
  if (device.changes.length === 0) {
    const outcome = device.restart ? "restart" : "same";
    return [{ key: id, device: id, outcome, away, unchanged: device.unchanged }];
  }
  return device.changes.map((change) => ({
    key: `${id}/${change.name}`,
    device: id,
    outcome: "change",
    away,
    change,
  }));
}

/** The reasons with one more refused device. */
function withRefused(reasons: Reason[], device: Device): void {
  const { refused, id } = device;
  if (!refused) {
    return;
  }
  const property = refused.property ?? undefined;
  const isAlike = (reason: Reason) => reason.code === refused.code && reason.property === property;
  const alike =
    reasons.find((reason) => isAlike(reason) && reason.detail === refused.detail) ??
    (reasons.length >= REASONS_MAX ? reasons.find(isAlike) : undefined);
  if (alike) {
    alike.count += 1;
    if (alike.devices.length < EXAMPLES) {
      alike.devices.push(id);
    }
    return;
  }
  reasons.push({ code: refused.code, property, detail: refused.detail, count: 1, devices: [id] });
}

/** What is known after one page more. */
export function withPage(before: Predicted, page: readonly Device[]): Predicted {
  const after = {
    ...before,
    reasons: before.reasons.map((reason) => ({ ...reason, devices: [...reason.devices] })),
    lines: [...before.lines],
  };
  for (const device of page) {
    after.devices += 1;
    after.away += device.away ? 1 : 0;
    after.restarted += device.restart ? 1 : 0;
    if (device.refused) {
      after.refused += 1;
      withRefused(after.reasons, device);
    } else if (device.changes.length > 0) {
      after.changed += 1;
      const acts = new Set(device.changes.map((change) => change.acts));
      after.needRestart += acts.has("after_restart") && !device.restart ? 1 : 0;
      after.needRecreate += acts.has("recreate") ? 1 : 0;
    } else {
      after.same += device.restart ? 0 : 1;
    }
    for (const line of linesOf(device)) {
      // A refusal is what one looks for: those are kept, be the list full or not, to twice its length.
      const most = line.outcome === "refused" ? 2 * LINES_MAX : LINES_MAX;
      if (after.lines.length < most) {
        after.lines.push(line);
      } else {
        after.linesLeftOut += 1;
      }
    }
  }
  after.reasons.sort((one, other) => other.count - one.count);
  return after;
}
