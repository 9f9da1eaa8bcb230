import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  RouterProvider,
} from "@tanstack/react-router";
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { session, type WhoAmI } from "../../api/session";
import { messages } from "../../i18n/messages";
import { DevicePage } from "./DevicePage";

const { device: text } = messages.en;

const ADMIN: WhoAmI = { server_admin: true, grants: [] };

/** A phone of which nothing is desired and that has shown nothing, as the server shows it. */
function phone(id: string) {
  const at = "2026-01-01T00:00:00Z";
  return {
    project: "p",
    id,
    kind: "phone",
    name: `phone ${id}`,
    profile: "redroid",
    condition: "running",
    since: at,
    frozen: false,
    facts: {},
    revision: 0,
    settled: 0,
    desired: {},
    states: {},
    reported: {},
    drift: [],
    open_jobs: [],
    created_at: at,
    updated_at: at,
  };
}

vi.hoisted(() => {
  // All that is asked for is known already.
  globalThis.fetch = () => new Promise(() => {});
  globalThis.EventSource = class extends EventTarget {
    close(): void {}
  } as unknown as typeof EventSource;
});

afterEach(cleanup);

it("keeps what is typed for one device away from another that is shown at once", async () => {
  const client = new QueryClient({
    defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } },
  });
  client.setQueryData(session.queryKey, ADMIN);
  for (const id of ["1", "2"]) {
    client.setQueryData(["device", "p", id, "view"], phone(id));
    client.setQueryData(["device", "p", id, "explain"], { reasons: [], values: [] });
  }
  client.setQueryData(["catalogue", "redroid"], { properties: [], profiles: [] });
  const root = createRootRoute();
  const path = "/ui/devices/$project/$id";
  const route = createRoute({ getParentRoute: () => root, path, component: DevicePage });
  const router = createRouter({
    routeTree: root.addChildren([route]),
    history: createMemoryHistory({ initialEntries: ["/ui/devices/p/1"] }),
  });
  const go = (id: string) => router.history.push(`/ui/devices/p/${id}`);
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
  await screen.findByRole("heading", { name: "phone 1" });
  fireEvent.click(screen.getByRole("button", { name: text.setProperty }));
  fireEvent.change(screen.getByLabelText(text.property), { target: { value: "wm.density" } });

  act(() => go("2"));
  await screen.findByRole("heading", { name: "phone 2" });
  expect(screen.queryByLabelText(text.property)).toBeNull();
});
