import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import {
  createMemoryHistory,
  createRootRoute,
  createRouter,
  RouterProvider,
} from "@tanstack/react-router";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { session, type WhoAmI } from "../../api/session";
import { messages } from "../../i18n/messages";
import { searchOf } from "../../search";
import { Audit } from "./Audit";

/** Where the server was asked; the client of the API keeps what `fetch` is when it is loaded. */
const asked = vi.hoisted(() => {
  const asked: URL[] = [];
  globalThis.fetch = async (request) => {
    asked.push(new URL((request as Request).url));
    return Response.json({ acts: [], next: null });
  };
  return asked;
});

const { audit: text } = messages.en;

afterEach(cleanup);

it("keeps the field, and what is typed into it, where another filter is applied", async () => {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const admin: WhoAmI = { server_admin: true, grants: [] };
  client.setQueryData(session.queryKey, admin);
  const router = createRouter({
    routeTree: createRootRoute({ validateSearch: searchOf, component: Audit }),
    history: createMemoryHistory({ initialEntries: ["/?project=p"] }),
  });
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
  const who = await screen.findByLabelText<HTMLInputElement>(text.actor);
  who.focus();
  fireEvent.change(who, { target: { value: " user:ben " } });
  fireEvent.submit(who.form as HTMLFormElement);
  await waitFor(() => expect(router.state.location.search).toMatchObject({ actor: "user:ben" }));
  await waitFor(() => expect(asked.at(-1)?.searchParams.get("actor")).toBe("user:ben"));
  fireEvent.change(who, { target: { value: "user:benny" } });
  fireEvent.change(screen.getByLabelText(text.what), { target: { value: "key.revoke" } });
  await waitFor(() => expect(asked.at(-1)?.searchParams.get("action")).toBe("key.revoke"));
  expect(who.isConnected).toBe(true);
  expect(document.activeElement).toBe(who);
  expect(who.value).toBe("user:benny");
  expect(asked.at(-1)?.searchParams.get("actor")).toBe("user:benny");
});
