import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import type { components } from "../../api/schema";

export type PendingCamera = components["schemas"]["PendingCamera"];
export type Enrolment = components["schemas"]["Enrolment"];

/** How many pending cameras are asked for at a time: the most that the server gives. */
const PAGE = 1_000;

/** How often the list is read anew: no event tells of a camera that waits. A long one seldom. */
const READ_EVERY_MS = 5_000;
const READ_LONG_EVERY_MS = 30_000;

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
        if (error instanceof ApiProblem && error.status === 404) {
          return null;
        }
        throw error;
      }
    },
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
