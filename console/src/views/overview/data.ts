import { queryOptions } from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import type { components } from "../../api/schema";

/** Why devices are not as they should be, in the order in which they are shown. */
export const ATTENTION = ["trouble", "drift", "restart_pending", "pending"] as const;

/** One of those words. */
export type Attention = (typeof ATTENTION)[number];

type Schemas = components["schemas"];

/** What was counted at a time. */
export type Sample = Pick<Schemas["OverviewSample"], Attention | "at" | "total">;

/** A reason for which jobs failed. */
export type FailureReason = Schemas["OverviewReason"];

/** A rollout that is not over. */
export type OpenRollout = Schemas["OverviewRollout"];

/** The fleet at a glance. */
export type FleetOverview = Schemas["Overview"];

/** How often it is read anew at least. */
const READ_EVERY_MS = 15_000;

/** The fleet at a glance: of a project, or of all that one may see. */
export function overviewOf(project: string | undefined) {
  return queryOptions({
    queryKey: ["overview", project],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/overview", { params: { query: { project } }, signal })),
    refetchInterval: READ_EVERY_MS,
  });
}

/** An update in the list of those that came last. */
export type LatestUpdate = Schemas["UpdateHead"];

/** Updates that are shown. */
const LATEST = 8;

/** The updates that came last. */
export function latestUpdates(project: string | undefined) {
  return queryOptions({
    queryKey: ["updates", "latest", project],
    queryFn: async ({ signal }): Promise<LatestUpdate[]> => {
      const params = { query: { project, limit: LATEST } };
      return (await ask(api.GET("/api/v1/updates", { params, signal }))).updates;
    },
    refetchInterval: READ_EVERY_MS,
  });
}
