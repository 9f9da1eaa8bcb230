import { type InfiniteData, infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import type { components } from "../../api/schema";
import { standsSince } from "../device/values";
import { type Filter, queryOf } from "./filters";

/** Devices in a page. */
const PAGE = 100;

/** Pages that are read anew as a whole when something happens; of a longer list what is in sight. */
export const PAGES_READ_ANEW = 2;

/** The most devices that are loaded: beyond them it takes a filter, not more scrolling. */
export const LOADED_MAX = 10_000;

/** A device as the API shows it. */
type Device = components["schemas"]["Device"];

/** What a list needs of a device: a page of whole ones has a hundred times as much. */
export type DeviceRow = {
  /** {@link keyOf} it. */
  key: string;
  project: string;
  id: string;
  kind: string;
  name: string;
  attention: string | null;
  condition: string;
  /** Of a camera: whether it is there. */
  status: string | null;
  frozen: boolean;
  /** Why it can't be worked on, or is not there. */
  trouble: string | null;
  drift: readonly string[];
  restartPending: readonly string[];
  openJobs: number;
  /** The host that a phone lives on, or where a camera registered from. */
  place: string;
  /** Since when it has been as it is. */
  since: string;
};

/** One page of the list. */
export type DevicePage = { rows: DeviceRow[]; next: string | null };

/** What the list has loaded. */
export type DevicePages = InfiniteData<DevicePage, string | undefined>;

/** What names a device among those of all projects: as the events do. */
export function keyOf(device: { project: string; id: string }): string {
  return `${device.project}/${device.id}`;
}

/** What a list shows of a device. */
export function rowOf(device: Device): DeviceRow {
  const { camera, project, id } = device;
  return {
    key: keyOf(device),
    project,
    id,
    kind: device.kind,
    // A name of blanks is none that could be read or clicked on.
    name: device.name.trim(),
    attention: device.attention ?? null,
    condition: device.condition,
    status: camera?.status ?? null,
    frozen: device.frozen,
    trouble: device.trouble ?? camera?.offline?.text ?? null,
    drift: device.drift,
    restartPending: Object.keys(device.restart_pending ?? {}),
    openJobs: device.open_jobs.length,
    place: (camera ? camera.remote : device.server) ?? "",
    since: standsSince(device),
  };
}

/** Whether a list is short enough to be read anew as a whole. */
function isShort({ state }: { state: { data?: DevicePages } }): boolean {
  return (state.data?.pages.length ?? 0) <= PAGES_READ_ANEW;
}

/** The list of the devices that are meant, page by page. */
export function deviceList(filter: Filter) {
  return infiniteQueryOptions({
    queryKey: ["devices", "list", filter],
    queryFn: async ({ pageParam, signal }): Promise<DevicePage> => {
      const query = { ...queryOf(filter), after: pageParam, limit: PAGE };
      const page = await ask(api.GET("/api/v1/devices", { params: { query }, signal }));
      return { rows: page.devices.map(rowOf), next: page.next ?? null };
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    // All pages that are loaded would be read one after the other: of a long list only what is in
    // sight is.
    refetchOnMount: isShort,
    refetchOnWindowFocus: isShort,
    refetchOnReconnect: isShort,
    // A list may be long, and each thing that is looked for is one.
    gcTime: 60_000,
  });
}

/** How often devices are counted at most while their list is shown. */
const COUNTED_EVERY_MS = 30_000;

/** How many devices are meant. `more` says that not all of them were looked at. */
export function deviceCount(filter: Filter) {
  return queryOptions({
    queryKey: ["devices", "count", filter],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/devices/count", { params: { query: queryOf(filter) }, signal })),
    staleTime: COUNTED_EVERY_MS,
    refetchInterval: COUNTED_EVERY_MS,
  });
}

/** Reads devices anew, whether or not they still are what a filter asks for. */
export async function readAnew(rows: readonly DeviceRow[]): Promise<DeviceRow[]> {
  const id = [...new Set(rows.map((row) => row.id))];
  const projects = new Set(rows.map((row) => row.project));
  const [only] = projects;
  // An id may stand in several projects, so there may be more than was asked for.
  const query = { id, limit: 1_000, ...(projects.size === 1 && { project: only }) };
  const page = await ask(api.GET("/api/v1/devices", { params: { query } }));
  return page.devices.map(rowOf);
}

/** The pages as they are once some rows were read anew. One that was not found any more is gone. */
export function patched(
  pages: DevicePages | undefined,
  asked: readonly DeviceRow[],
  found: readonly DeviceRow[],
): DevicePages | undefined {
  if (pages === undefined) {
    return undefined;
  }
  const keys = new Set(asked.map((row) => row.key));
  const byKey = new Map(found.map((row) => [row.key, row]));
  const now = (row: DeviceRow) => (keys.has(row.key) ? (byKey.get(row.key) ?? []) : row);
  return {
    ...pages,
    // A page of which nothing was read stays the same object, so that nobody looks through it.
    pages: pages.pages.map((page) =>
      page.rows.some((row) => keys.has(row.key)) ? { ...page, rows: page.rows.flatMap(now) } : page,
    ),
  };
}
