import {
  type InfiniteData,
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
} from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import type { components } from "../../api/schema";
import type { Search } from "../../search";
import { ROTATED_MAX } from "./wanted";

/** How many cameras are asked for at a time. */
const PAGE = 200;

/** Up to how many pages a list is read anew: all of them are, each time, one after the other. */
const PAGES_READ_ANEW = 5;

/** How many cameras of a project register with which password. */
export type Counts = components["schemas"]["CredentialsCounts"];

/** How far a project's rotation is. */
export function countsQuery(project: string) {
  return queryOptions({
    queryKey: ["credentials", project],
    queryFn: ({ signal }) =>
      ask(
        api.GET("/api/v1/projects/{project}/credentials", {
          params: { path: { project } },
          signal,
        }),
      ),
  });
}

/** What a list shows of a camera. */
export type Camera = {
  id: string;
  name: string;
  status: string;
  hasPassword: boolean;
  /** Undefined while it is not registered. */
  uses: string | undefined;
  changedAt: string | undefined;
  overlapUntil: string | undefined;
};

function cameraOf({ id, name, camera }: components["schemas"]["Device"]): Camera {
  return {
    id,
    name,
    status: camera?.status ?? "",
    hasPassword: camera?.has_password ?? false,
    uses: camera?.credentials.in_use ?? undefined,
    changedAt: camera?.credentials.changed_at ?? undefined,
    overlapUntil: camera?.credentials.overlap_until ?? undefined,
  };
}

/** Which cameras are meant. */
export type Filter = Pick<Search, "text" | "organization" | "status" | "credentials">;

/** A page of cameras. */
async function page(project: string, filter: Filter, after: string | undefined, limit: number) {
  const { text, organization, status, credentials } = filter;
  const query = {
    project,
    kind: "camera",
    text,
    organization,
    status,
    credentials,
    after,
    limit,
  };
  const { devices, next } = await ask(api.GET("/api/v1/devices", { params: { query } }));
  return { cameras: devices.map(cameraOf), next: next ?? undefined };
}

/** Whether a list is short enough to be read anew. */
export function isShort(list: InfiniteData<unknown> | undefined): boolean {
  return (list?.pages.length ?? 0) <= PAGES_READ_ANEW;
}

/** The cameras of a project, by id. */
export function camerasQuery(project: string, filter: Filter) {
  return infiniteQueryOptions({
    queryKey: ["devices", "passwords", project, filter],
    queryFn: ({ pageParam }) => page(project, filter, pageParam, PAGE),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: ({ state }) => isShort(state.data),
    refetchOnReconnect: ({ state }) => isShort(state.data),
  });
}

/**
 * The ids of all cameras that are meant; undefined if there are more than a rotation takes, or
 * `isOver` says that nobody waits for them.
 */
export async function collect(
  project: string,
  filter: Filter,
  tell: (found: number) => void,
  isOver: () => boolean,
): Promise<string[] | undefined> {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const got = await page(project, filter, after, 1_000);
    ids.push(...got.cameras.map((camera) => camera.id));
    after = got.next;
    tell(ids.length);
    if (ids.length > ROTATED_MAX || isOver()) {
      return undefined;
    }
  } while (after !== undefined);
  return ids;
}
