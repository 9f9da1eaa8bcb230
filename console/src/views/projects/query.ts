import { queryOptions } from "@tanstack/react-query";
import { api, ask } from "../../api/client";

/** A project, with how many devices it has. */
export function projectQuery(project: string) {
  return queryOptions({
    queryKey: ["projects", project],
    queryFn: () => ask(api.GET("/api/v1/projects/{project}", { params: { path: { project } } })),
  });
}
