import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import type { components } from "../../api/schema";

/** How far an update has come. */
export type Update = components["schemas"]["Update"];

/** How an update goes through its devices in waves. */
export type Rollout = components["schemas"]["Rollout"];

/** An update in a list. */
export type UpdateHead = components["schemas"]["UpdateHead"];

/** One device's part of an update. */
export type Job = components["schemas"]["Job"];

/** How an update that goes on is read anew, besides by events: the longer it lasts, the rarer. */
function interval(update: Update | undefined): number | false {
  if (!update || isOver(update)) {
    return false;
  }
  const age = Date.now() - new Date(update.accepted_at).getTime();
  return Math.min(60_000, Math.max(5_000, age / 20));
}

/** Whether nothing of an update changes any more. */
export function isOver(update: Update): boolean {
  return update.ended_at !== null && update.ended_at !== undefined;
}

/** Whether an update in waves may begin more of them. */
export function isOpenRollout(update: Update): boolean {
  const phase = update.rollout?.phase;
  return phase !== undefined && phase !== "aborted" && phase !== "done";
}

/** How many jobs of an update have not ended. */
export function openJobs({ jobs }: Update): number {
  return jobs.pending + jobs.waiting + jobs.running;
}

/** How many devices an update in waves has not come to. */
export function notBegun({ rollout }: Update): number {
  return rollout ? Math.max(0, rollout.devices - rollout.begun) : 0;
}

/** How far an update has come. */
export function updateOf(id: string) {
  return queryOptions({
    queryKey: ["update", id, "head"],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/updates/{id}", { params: { path: { id } }, signal })),
    staleTime: (query) => (query.state.data && isOver(query.state.data) ? 60_000 : 1_000),
    refetchInterval: (query) => interval(query.state.data),
  });
}

/** The updates, newest first. */
export function updateList(project: string | undefined) {
  return infiniteQueryOptions({
    queryKey: ["updates", { project }],
    queryFn: ({ pageParam, signal }) => {
      const query = { project, after: pageParam, limit: 100 };
      return ask(api.GET("/api/v1/updates", { params: { query }, signal }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });
}

/** Why its jobs failed. */
export function failures(id: string) {
  return queryOptions({
    queryKey: ["update", id, "failures"],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/updates/{id}/failures", { params: { path: { id } }, signal })),
  });
}

/** Which jobs of an update: those that stand so, and failed so, or as that job has. */
export type JobFilter = { state?: string[]; code?: string[]; same_reason_as?: string };

/** Those of its jobs. */
export function jobsOf(id: string, filter: JobFilter) {
  return infiniteQueryOptions({
    queryKey: ["update", id, "jobs", filter],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...filter, after: pageParam, limit: 200 };
      return ask(api.GET("/api/v1/updates/{id}/jobs", { params: { path: { id }, query }, signal }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });
}

/**
 * The devices of those of its jobs, each once: all of them, or just more than `most`.
 *
 * @throws {ApiProblem}
 */
export async function devicesOf(id: string, filter: JobFilter, most: number): Promise<string[]> {
  const devices = new Set<string>();
  let after: string | undefined;
  do {
    const params = { path: { id }, query: { ...filter, after, limit: 1_000 } };
    const page = await ask(api.GET("/api/v1/updates/{id}/jobs", { params }));
    for (const { device } of page.jobs) {
      devices.add(device);
    }
    after = page.next ?? undefined;
  } while (after !== undefined && devices.size <= most);
  return [...devices];
}

/** The devices that it refused: `count` of them, so that it is read anew when there are more. */
export function refusedOf(id: string, count: number) {
  return infiniteQueryOptions({
    queryKey: ["update", id, "refused", count],
    queryFn: ({ pageParam, signal }) => {
      const params = { path: { id }, query: { after: pageParam, limit: 100 } };
      return ask(api.GET("/api/v1/updates/{id}/refused", { params, signal }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });
}
