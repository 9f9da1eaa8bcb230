import { queryOptions } from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import type { components } from "../../api/schema";

/** Named values of a project. */
export type Preset = components["schemas"]["Preset"];

/** All presets of a project: it can't have more than one page of them. */
export function presetsOf(project: string) {
  return queryOptions({
    queryKey: ["presets", project],
    queryFn: async ({ signal }) => {
      const params = { path: { project }, query: { limit: 1_000 } };
      return (await ask(api.GET("/api/v1/projects/{project}/presets", { params, signal }))).presets;
    },
    staleTime: 15_000,
  });
}
