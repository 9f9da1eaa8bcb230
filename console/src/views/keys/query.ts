import { queryOptions } from "@tanstack/react-query";
import { api, ask } from "../../api/client";

/** The access keys of a project; those that open all projects where none is given. */
export function keysQuery(project?: string) {
  return queryOptions({
    queryKey: ["keys", project ?? null],
    queryFn: async () => {
      const answer =
        project === undefined
          ? ask(api.GET("/api/v1/keys"))
          : ask(api.GET("/api/v1/projects/{project}/keys", { params: { path: { project } } }));
      return (await answer).keys;
    },
  });
}
