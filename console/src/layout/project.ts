import { queryOptions, useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { api, ask } from "../api/client";

/** The projects that one may see. */
export const projects = queryOptions({
  queryKey: ["projects"],
  queryFn: async () => (await ask(api.GET("/api/v1/projects"))).projects,
  staleTime: 30_000,
});

/** The projects that one may see; empty until they are known. */
export function useProjects() {
  return useQuery(projects).data ?? [];
}

/** The project that the views are about; undefined for all. It stands in the address: `?project=`. */
export function useProject(): string | undefined {
  return useSearch({ strict: false }).project;
}
