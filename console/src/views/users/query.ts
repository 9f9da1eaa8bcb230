import { queryOptions } from "@tanstack/react-query";
import { api, ask } from "../../api/client";

/** The users of a project. */
export function usersQuery(project: string) {
  return queryOptions({
    queryKey: ["users", project],
    queryFn: async () =>
      (await ask(api.GET("/api/v1/projects/{project}/users", { params: { path: { project } } })))
        .users,
  });
}

/** What a user may do, in the projects that the viewer administers. */
export function grantsQuery(name: string) {
  return queryOptions({
    queryKey: ["user", name, "grants"],
    queryFn: async () =>
      (await ask(api.GET("/api/v1/users/{name}/grants", { params: { path: { name } } }))).grants,
  });
}

/** A user's tokens. */
export function tokensQuery(name: string) {
  return queryOptions({
    queryKey: ["user", name, "tokens"],
    queryFn: async () =>
      (await ask(api.GET("/api/v1/users/{name}/tokens", { params: { path: { name } } }))).tokens,
  });
}
