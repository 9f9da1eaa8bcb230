import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, ask } from "../../api/client";

/** How many organizations are asked for at a time: the most that the server gives. */
const PAGE = 1_000;

/** Up to how many pages are read anew where nobody has asked for it. */
const PAGES_READ_ANEW = 3;

/** The organizations of a project, by path. */
export function organizationsQuery(project: string) {
  return infiniteQueryOptions({
    queryKey: ["organizations", project],
    queryFn: ({ pageParam }) =>
      ask(
        api.GET("/api/v1/projects/{project}/organizations", {
          params: { path: { project }, query: { after: pageParam, limit: PAGE } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    refetchOnWindowFocus: ({ state }) => (state.data?.pages.length ?? 0) <= PAGES_READ_ANEW,
  });
}
