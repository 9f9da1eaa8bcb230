import { expect, test } from "vitest";
import type { Device, ExplainedValue } from "./data";
import { matching, propertyOf, standsSince, switches, valueRows } from "./values";

const AT = "2026-01-02T03:04:05Z";

function phone(over: Partial<Device> = {}): Device {
  return {
    project: "p",
    id: "1",
    kind: "phone",
    name: "one",
    profile: "redroid",
    condition: "running",
    since: AT,
    frozen: false,
    facts: {},
    revision: 3,
    settled: 3,
    desired: {},
    states: {},
    reported: {},
    drift: [],
    open_jobs: [],
    created_at: AT,
    updated_at: AT,
    ...over,
  };
}

const shown = (value: string | null) => ({ value, at: AT, age_milliseconds: 1 });

test("what is not as it should be comes first, and what nobody asked for last", () => {
  const device = phone({
    desired: { a: "1", b: "2", c: "3", d: "4" },
    states: { a: "shown", b: "pending", c: "drift", d: "restart_pending" },
    reported: { a: shown("1"), c: shown(null), "0": shown("9") },
    restart_pending: { d: { since: AT } },
  });
  const reasons = ["refused", "waits"].map((code) => ({ code, why: code, what_to_do: "" }));
  const explained = [{ name: "c", revision: 2, reasons }] as ExplainedValue[];
  const rows = valueRows(device, explained);
  expect(rows.map((row) => row.name)).toEqual(["c", "d", "b", "a", "0"]);
  expect(rows[0]).toEqual({
    name: "c",
    desired: "3",
    by: "asked",
    state: "drift",
    revision: 2,
    reported: { value: null, at: AT },
    waitsSince: null,
    why: ["refused"],
  });
  expect(rows[1]?.waitsSince).toBe(AT);
  expect(rows[4]?.by).toBeNull();
});

test("a camera's records stand beside what is asked of it", () => {
  const camera = {
    status: "OnLine",
    has_password: true,
    credentials: {},
    record: { description: "by the gate", ip: "" },
    channels: 1,
  } as Device["camera"];
  const device = phone({ kind: "camera", camera, desired: { Name: "asked" } });
  const rows = new Map(valueRows(device, undefined).map((row) => [row.name, row]));
  expect(rows.get("Desc")).toMatchObject({ desired: "by the gate", by: "ours" });
  expect(rows.get("Name")).toMatchObject({ desired: "asked", by: "asked" });
  expect(rows.has("Ip")).toBe(false);
});

test("a property is known by its name, an alias, or the beginning of its name", () => {
  const properties = [
    { name: "Channel.*", aliases: [] },
    { name: "sys.imei", aliases: ["imei"] },
  ] as unknown as Parameters<typeof propertyOf>[0];
  expect(propertyOf(properties, "imei")?.name).toBe("sys.imei");
  expect(propertyOf(properties, "Channel.1.Name")?.name).toBe("Channel.*");
  expect(propertyOf(properties, "Chan")).toBeUndefined();
});

test("text is looked for in all that is given, whatever the case", () => {
  expect(matching(["Wm.Density", "iccid"], " DENS", (row) => [row])).toEqual(["Wm.Density"]);
  expect(matching(["a"], "", (row) => [row])).toEqual(["a"]);
});

test("only what the profile knows a way to is offered", () => {
  const profile = { restart: "none", factory_reset: "none", commands: ["stop"] };
  expect(switches(profile as unknown as Parameters<typeof switches>[0])).toEqual({
    start: false,
    restart: false,
    reset: false,
    stop: true,
  });
  const rebooted = { ...profile, restart: "adb_reboot" };
  const can = switches(rebooted as unknown as Parameters<typeof switches>[0]);
  expect([can.restart, can.start]).toEqual([true, false]);
  expect(switches(undefined).restart).toBe(false);
});

test("a camera stands as it does since it came or went", () => {
  const camera = { status: "OnLine", registered_at: "2026-02-01T00:00:00Z" };
  const since = (over: object) =>
    standsSince(phone({ camera: { ...camera, ...over } as Device["camera"] }));
  expect(since({})).toBe("2026-02-01T00:00:00Z");
  expect(since({ status: "OffLine", offline: { at: "2026-03-01T00:00:00Z" } })).toBe(
    "2026-03-01T00:00:00Z",
  );
  expect(since({ status: "Register", registered_at: null })).toBe(AT);
  expect(standsSince(phone())).toBe(AT);
});
