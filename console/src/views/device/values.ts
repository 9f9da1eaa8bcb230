import type { Device, ExplainedValue, Profile, Property } from "./data";

/** A property of a device: what is desired of it, what it shows, and what waits. */
export type ValueRow = {
  name: string;
  /** What is desired of it or on record; null for nothing. */
  desired: string | null;
  /**
   * Whether that is `asked` of the device, or is `ours` alone: on record, and never sent. Null where
   * nothing is.
   */
  by: "asked" | "ours" | null;
  /** Where it stands; null if nothing is asked. */
  state: string | null;
  /** The revision that asked for it, where that is known. */
  revision: number | null;
  /** What the device last showed; null if it never showed anything. */
  reported: { value: string | null; at: string } | null;
  /** Since when it waits for a restart to act; null if it does not. */
  waitsSince: string | null;
  /** Why it is not as it should be, in the server's words, where the rest does not say it. */
  why: string[];
};

/** Which states come first: those that somebody has to do something about. */
const ORDER = ["drift", "needs_recreate", "restart_pending", "pending"];

/** Reasons that say no more than the columns of a row do. */
const TOLD_BESIDE = ["waits", "pending", "restart_pending"];

function rank(row: ValueRow): number {
  const place = ORDER.indexOf(row.state ?? "");
  if (place >= 0) {
    return place;
  }
  return row.by === null ? ORDER.length + 1 : ORDER.length;
}

/** What is on record of a camera and never sent to it, by the property that changes it. */
export function recordOf(device: Device): Map<string, string> {
  const { camera } = device;
  const record = new Map<string, string>();
  if (!camera) {
    return record;
  }
  const { description, ip, port, manufacturer, transport } = camera.record;
  const values: [string, string | null | undefined][] = [
    ["Name", device.name],
    ["Desc", description],
    ["Organization", camera.organization?.path],
    ["Ip", ip],
    ["Port", port],
    ["Manufacturer", manufacturer],
    ["Transport", transport],
  ];
  for (const [name, value] of values) {
    if (value) {
      record.set(name, value);
    }
  }
  return record;
}

/**
 * One row a property, of all that is desired, on record or reported; what is not as it should be
 * comes first. `explained` adds which revision asked for a value, and why it is not as it should be,
 * once that is known.
 */
export function valueRows(
  device: Device,
  explained: readonly ExplainedValue[] | undefined,
): ValueRow[] {
  const told = new Map(explained?.map((value) => [value.name, value]));
  const record = recordOf(device);
  const names = new Set([
    ...Object.keys(device.desired),
    ...Object.keys(device.reported),
    ...record.keys(),
  ]);
  const rows = [...names].map((name): ValueRow => {
    const asked = device.desired[name];
    const ours = record.get(name);
    const reported = device.reported[name];
    return {
      name,
      desired: asked ?? ours ?? null,
      by: asked !== undefined ? "asked" : ours !== undefined ? "ours" : null,
      state: device.states[name] ?? null,
      revision: told.get(name)?.revision ?? null,
      reported: reported ? { value: reported.value ?? null, at: reported.at } : null,
      waitsSince: device.restart_pending?.[name]?.since ?? null,
      why: (told.get(name)?.reasons ?? [])
        .filter((reason) => !TOLD_BESIDE.includes(reason.code))
        .map((reason) => reason.why),
    };
  });
  return rows.sort((one, other) => rank(one) - rank(other) || (one.name < other.name ? -1 : 1));
}

/** Those whose name or value has this in it, whatever the case. */
export function matching<T>(rows: readonly T[], text: string, of: (row: T) => string[]): T[] {
  const wanted = text.trim().toLowerCase();
  return rows.filter((row) => of(row).some((each) => each.toLowerCase().includes(wanted)));
}

/**
 * What is known of a property: by its name, by an alias, or by an entry that stands for all names
 * that begin so.
 */
export function propertyOf(
  properties: readonly Property[] | undefined,
  name: string,
): Property | undefined {
  return (
    properties?.find((each) => each.name === name || each.aliases.includes(name)) ??
    properties?.find((each) => each.name.endsWith("*") && name.startsWith(each.name.slice(0, -1)))
  );
}

/** What a device of this profile can be told besides values. */
export function switches(profile: Profile | undefined) {
  const has = (command: string) => profile?.commands.includes(command) ?? false;
  // One that is stopped does not answer, so it takes a program of the operator's to start it.
  const start = has("start") || has("restart");
  return {
    start,
    restart: start || (profile?.restart ?? "none") !== "none",
    reset: (profile?.factory_reset ?? "none") !== "none",
    stop: has("stop"),
  };
}

/** Since when a device stands as it does: of a camera, since it is there or is not. */
export function standsSince(device: Device): string {
  const { camera } = device;
  if (camera?.status === "OnLine") {
    return camera.registered_at ?? device.since;
  }
  return camera?.offline?.at ?? device.since;
}
