import { infiniteQueryOptions, queryOptions, useQueryClient } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { api, ask, change } from "../../api/client";
import type { components } from "../../api/schema";

type Schemas = components["schemas"];

export type Device = Schemas["Device"];
export type Camera = Schemas["Camera"];
export type Explanation = Schemas["DeviceExplanation"];
export type ExplainedValue = Schemas["ValueExplanation"];
export type Reason = Schemas["Reason"];
export type Change = Schemas["DeviceChange"];
export type Channel = Schemas["Channel"];
export type Checked = Schemas["Checked"];
export type Property = Schemas["PropertyView"];
export type Profile = Schemas["ProfileView"];
export type Accepted = Schemas["Accepted"];
export type Reverted = Schemas["RevertedDevice"];
export type PredictedRevert = Schemas["PredictedRevert"];
export type LeftOut = Schemas["LeftOut"];

/** Which device: its id is unique in its project alone. */
export type DeviceRef = { project: string; id: string };

/** How often the device is read again though no event came: what it shows has an age. */
const READ_EVERY_MS = 15_000;

/** Changes and channels in a page. */
const PAGE = 100;

const at = ({ project, id }: DeviceRef) => ({ path: { id }, query: { project } });

/** What all that is read of a device is kept under. */
export const deviceKey = ({ project, id }: DeviceRef) => ["device", project, id] as const;

/** The device as it is. */
export const deviceOf = (device: DeviceRef) =>
  queryOptions({
    queryKey: [...deviceKey(device), "view"],
    queryFn: ({ signal }) => ask(api.GET("/api/v1/devices/{id}", { params: at(device), signal })),
    refetchInterval: READ_EVERY_MS,
  });

/** Why it holds what it holds. */
export const explanationOf = (device: DeviceRef) =>
  queryOptions({
    queryKey: [...deviceKey(device), "explain"],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/devices/{id}/explain", { params: at(device), signal })),
    refetchInterval: READ_EVERY_MS,
  });

/** What was asked of it, newest first. */
export const historyOf = ({ project, id }: DeviceRef) =>
  infiniteQueryOptions({
    queryKey: [...deviceKey({ project, id }), "history"],
    queryFn: ({ pageParam, signal }) =>
      ask(
        api.GET("/api/v1/devices/{id}/history", {
          params: { path: { id }, query: { project, limit: PAGE, after: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });

/** What a recorder has: its channels, by id. */
export const channelsOf = ({ project, id }: DeviceRef) =>
  infiniteQueryOptions({
    queryKey: [...deviceKey({ project, id }), "channels"],
    queryFn: ({ pageParam, signal }) =>
      ask(
        api.GET("/api/v1/devices/{id}/channels", {
          params: { path: { id }, query: { project, limit: PAGE, after: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });

/**
 * A look at the device itself, step by step. It takes as long as the device does, so it is made when
 * somebody asks for it and never by itself: its key is none that events have read anew.
 */
export const checkOf = (device: DeviceRef) =>
  queryOptions({
    queryKey: ["check", device.project, device.id],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/devices/{id}/check", { params: at(device), signal })),
    enabled: false,
    retry: false,
    gcTime: 600_000,
  });

/** The arguments that its container has to be made with. */
export const startArgumentsOf = (device: DeviceRef) =>
  queryOptions({
    queryKey: [...deviceKey(device), "start-args"],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/devices/{id}/start-args", { params: at(device), signal })),
  });

/** A job of it. */
export const jobOf = (device: DeviceRef, job: string) =>
  queryOptions({
    queryKey: [...deviceKey(device), "job", job],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/jobs/{id}", { params: { path: { id: job } }, signal })),
  });

/** What is known of each property, and how devices of this profile take it. */
export const catalogueOf = (profile: string) =>
  queryOptions({
    queryKey: ["catalogue", profile],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/catalogue", { params: { query: { profile } }, signal })),
    staleTime: 300_000,
  });

/** What is to be desired of a device, by whoever has read it at `revision`. */
export type Desire = { set: Record<string, string>; restart: boolean; revision: number };

/** Asks for it, if the device is at that revision still. */
export function desire(device: DeviceRef, { set, restart, revision }: Desire): Promise<Accepted> {
  return change((headers) =>
    api.PATCH("/api/v1/devices/{id}/desired", {
      params: { ...at(device), header: { ...headers, "If-Match": `"${revision}"` } },
      body: { set, restart },
    }),
  );
}

/** What can be done with a device besides setting values. */
export type Act =
  | { act: "restart" }
  | { act: "stop" }
  | { act: "reset"; forget: boolean }
  | { act: "freeze" }
  | { act: "unfreeze" }
  | { act: "mark-stopped" }
  | { act: "mark-started" }
  | { act: "adopt"; replaceMarker: boolean; fromReported: boolean }
  | { act: "delete" };

/** Does it. Gives the job, where it takes one. */
export async function perform(device: DeviceRef, act: Act): Promise<Accepted | undefined> {
  const params = at(device);
  switch (act.act) {
    case "restart":
      return change((header) =>
        api.POST("/api/v1/devices/{id}/restart", {
          params: { ...params, header },
          body: { property: {} },
        }),
      );
    case "stop":
      return change((header) =>
        api.POST("/api/v1/devices/{id}/stop", { params: { ...params, header }, body: {} }),
      );
    case "reset":
      return change((header) =>
        api.POST("/api/v1/devices/{id}/reset", {
          params: { ...params, header },
          body: { factory_reset: act.forget, property: {} },
        }),
      );
    case "freeze":
      await change((header) =>
        api.POST("/api/v1/devices/{id}/freeze", { params: { ...params, header } }),
      );
      return undefined;
    case "unfreeze":
      await change((header) =>
        api.POST("/api/v1/devices/{id}/unfreeze", { params: { ...params, header } }),
      );
      return undefined;
    case "mark-stopped":
      await change((header) =>
        api.POST("/api/v1/devices/{id}/mark-stopped", { params: { ...params, header } }),
      );
      return undefined;
    case "mark-started":
      await change((header) =>
        api.POST("/api/v1/devices/{id}/mark-started", { params: { ...params, header } }),
      );
      return undefined;
    case "adopt":
      await change((header) =>
        api.POST("/api/v1/devices/{id}/adopt", {
          params: { ...params, header },
          body: { replace_marker: act.replaceMarker, from_reported: act.fromReported },
        }),
      );
      return undefined;
    case "delete":
      await change((header) =>
        api.DELETE("/api/v1/devices/{id}", { params: { ...params, header } }),
      );
      return undefined;
  }
}

/** What asking again for what was asked of the device at a revision would do. */
export const foreseenRevert = (device: DeviceRef, to: number) =>
  queryOptions({
    queryKey: ["revert", device.project, device.id, to],
    queryFn: async ({ signal }): Promise<PredictedRevert> => {
      const body = { to, dry_run: true };
      const call = api.POST("/api/v1/devices/{id}/revert", { params: at(device), body, signal });
      const answer = await ask(call);
      if (!("devices_total" in answer)) {
        throw new Error("a dry run is answered with what would come of it");
      }
      return answer;
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });

/** Asks again for what was asked of the device at a revision. */
export async function revertTo(device: DeviceRef, to: number): Promise<Reverted> {
  const answer = await change((header) =>
    api.POST("/api/v1/devices/{id}/revert", { params: { ...at(device), header }, body: { to } }),
  );
  if (!("job" in answer)) {
    throw new Error("a revert is answered with its job");
  }
  return answer;
}

/** Another user name or password for a camera; what is absent stays as it is. */
export type NewCredentials = { user?: string; password?: string; overlap_seconds?: number };

/** Has a camera register with them from now on. */
export function giveCredentials(device: DeviceRef, body: NewCredentials): Promise<Accepted> {
  return change((header) =>
    api.PUT("/api/v1/devices/{id}/credentials", { params: { ...at(device), header }, body }),
  );
}

/** Gives what has everything that is shown of a device read anew, lists of devices among it. */
export function useReadAnew(device: DeviceRef): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    void client.invalidateQueries({ queryKey: ["devices"] });
    await client.invalidateQueries({ queryKey: deviceKey(device) });
  };
}

/** What every part of the view goes by: which device, and whether its values may be changed. */
export type Subject = { ref: DeviceRef; device: Device; mayOperate: boolean };

const Subjects = createContext<Subject | null>(null);

/** Gives it to every part of the view. */
export const SubjectProvider = Subjects.Provider;

/** The device that the view is about. */
export function useSubject(): Subject {
  const subject = useContext(Subjects);
  if (subject === null) {
    throw new Error("a part of the device's view stands outside of it");
  }
  return subject;
}
