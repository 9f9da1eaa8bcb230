import { queryOptions } from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import type { components } from "../../api/schema";
import type { Tone } from "../../parts/Badge";

export type Webhook = components["schemas"]["Webhook"];

/** How often what is shown of deliveries is read anew: no event tells of them. */
const READ_EVERY_MS = 5_000;

/** The types of events that a webhook can be told of. */
export const TYPES = [
  "update.accepted",
  "job.ended",
  "device.changed",
  "projects.changed",
] as const;

/** The webhooks of a project, or of all that the viewer administers. */
export function webhooksQuery(project?: string) {
  return queryOptions({
    queryKey: ["webhooks", project ?? null],
    queryFn: async () =>
      (await ask(api.GET("/api/v1/webhooks", { params: { query: { project } } }))).webhooks,
    refetchInterval: READ_EVERY_MS,
  });
}

/** One webhook. */
export function webhookQuery(id: string) {
  return queryOptions({
    queryKey: ["webhook", id],
    queryFn: () => ask(api.GET("/api/v1/webhooks/{id}", { params: { path: { id } } })),
    refetchInterval: READ_EVERY_MS,
  });
}

/** How a webhook is doing. */
export function standing(webhook: Webhook): {
  id: "off" | "failing" | "delivers" | "untried";
  tone: Tone;
} {
  if (!webhook.enabled) {
    return { id: "off", tone: "none" };
  }
  if (webhook.failures > 0) {
    return { id: "failing", tone: "bad" };
  }
  return webhook.last_success_at
    ? { id: "delivers", tone: "good" }
    : { id: "untried", tone: "none" };
}
