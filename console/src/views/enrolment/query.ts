import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import type { components } from "../../api/schema";

export type PendingCamera = components["schemas"]["PendingCamera"];
export type Enrolment = components["schemas"]["Enrolment"];

/** For how many days a project that is closed is offered to be open. */
const DAYS_OFFERED = 14;

/** How many pending cameras are asked for at a time: the most that the server gives. */
const PAGE = 1_000;

/** How often the list is read anew: no event tells of a camera that waits. A long one seldom. */
const READ_EVERY_MS = 5_000;
const READ_LONG_EVERY_MS = 30_000;

/** How often the terms are read anew: their time runs out by itself. */
const TERMS_READ_EVERY_MS = 30_000;

/** The most days that a project can be open for. */
export const DAYS_MAX = 90;

/**
 * For how many days a project is offered to be open: for as many as are left where it is, so that
 * who changes something else does not move the end, at least not by more than a day.
 */
export function daysOffered(terms: Enrolment | undefined, now: number): number {
  const left = terms ? Math.ceil((Date.parse(terms.ends_at) - now) / 86_400_000) : 0;
  return left > 0 ? Math.min(left, DAYS_MAX) : DAYS_OFFERED;
}

/** On what terms cameras may enrol in a project; null where they may not. */
export function enrolmentQuery(project: string) {
  return queryOptions({
    queryKey: ["enrolment", project],
    queryFn: async (): Promise<Enrolment | null> => {
      try {
        return await ask(
          api.GET("/api/v1/projects/{project}/enrolment", { params: { path: { project } } }),
        );
      } catch (error) {
        // Of a project that is not there the code is another one.
        if (error instanceof ApiProblem && error.code === "not_found") {
          return null;
        }
        throw error;
      }
    },
    refetchInterval: TERMS_READ_EVERY_MS,
  });
}

/** The cameras of a project that wait. */
export function pendingQuery(project: string) {
  return infiniteQueryOptions({
    queryKey: ["pending", project],
    queryFn: ({ pageParam }) =>
      ask(
        api.GET("/api/v1/projects/{project}/pending", {
          params: { path: { project }, query: { after: pageParam, limit: PAGE } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: ({ state }) =>
      (state.data?.pages.length ?? 0) > 1 ? READ_LONG_EVERY_MS : READ_EVERY_MS,
  });
}
