import type { DeviceRow } from "./list";

/** A device for tests: a phone that runs, unless the rest says otherwise. */
export function sampleRow(id: string, rest: Partial<DeviceRow> = {}): DeviceRow {
  const project = rest.project ?? "p";
  return {
    key: `${project}/${id}`,
    project,
    id,
    kind: "phone",
    name: id,
    attention: null,
    condition: "running",
    status: null,
    frozen: false,
    trouble: null,
    drift: [],
    restartPending: [],
    openJobs: 0,
    place: "",
    since: "2026-01-01T00:00:00Z",
    ...rest,
  };
}
