import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import {
  createMemoryHistory,
  createRootRoute,
  createRouter,
  RouterProvider,
} from "@tanstack/react-router";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";
import { session, type WhoAmI } from "../api/session";
import { parseSearch, searchOf, stringifySearch } from "../search";

const ADMIN: WhoAmI = { server_admin: true, grants: [] };

/** The stream of events, in which nothing happens. */
class Silence extends EventTarget {
  close(): void {}
}

/** Draws what is tested as the page does, at an address, for the server's administrator. */
export function show(tested: ReactNode, address = "/") {
  vi.stubGlobal("EventSource", Silence);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  client.setQueryData(session.queryKey, ADMIN);
  const router = createRouter({
    // One route is all: a link to any view leads to what is tested.
    routeTree: createRootRoute({
      validateSearch: searchOf,
      component: () => tested,
      notFoundComponent: () => tested,
    }),
    history: createMemoryHistory({ initialEntries: [address] }),
    parseSearch,
    stringifySearch,
  });
  const drawn = render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
  return { ...drawn, client, router };
}
