import { cleanup, fireEvent, screen, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { ADMINISTERED_MAX } from "../../layout/administered";
import { show } from "../stage";
import { UserPage } from "./UserPage";

/** A server with a user of the last of many projects; the API's client keeps what `fetch` is. */
const server = vi.hoisted(() => {
  const server = {
    projects: 0,
    isFailing: false,
    grants: [] as { project: string; role: string }[],
    disabled: undefined as string | undefined,
    asked: [] as string[],
  };
  globalThis.fetch = async (given) => {
    const { method, url } = given as Request;
    const { pathname } = new URL(url);
    if (method !== "GET") {
      server.asked.push(`${method} ${pathname}`);
      server.disabled = undefined;
      return new Response(null, { status: 204 });
    }
    const last = `p${server.projects - 1}`;
    if (pathname === "/api/v1/projects") {
      const projects = Array.from({ length: server.projects }, (_, index) => ({ id: `p${index}` }));
      return Response.json({ projects });
    }
    if (pathname === "/api/v1/users/ben/grants") {
      return Response.json({ grants: server.grants });
    }
    if (pathname === "/api/v1/users/ben/tokens") {
      return Response.json({ tokens: [] });
    }
    if (server.isFailing) {
      return Response.json({ code: "internal", detail: "out of order" }, { status: 500 });
    }
    const ben = {
      name: "ben",
      has_namesake: true,
      project: last,
      created_at: "2026-01-01T00:00:00Z",
      disabled_at: server.disabled,
    };
    return Response.json({ users: pathname === `/api/v1/projects/${last}/users` ? [ben] : [] });
  };
  return server;
});

const { users: text } = messages.en;

const button = (name: string) => screen.findByRole("button", { name });

afterEach(cleanup);

it("has the account of a user of a project that is not among the first", async () => {
  Object.assign(server, { projects: ADMINISTERED_MAX + 5, isFailing: false });
  server.grants = [{ project: `p${ADMINISTERED_MAX + 4}`, role: "viewer" }];
  show(<UserPage name="ben" />);
  await screen.findByRole("button", { name: text.setPassword });
  await screen.findByRole("heading", { name: text.tokens });
});

it("enables again who was disabled, and tells of a user of the same name", async () => {
  Object.assign(server, { projects: 1, isFailing: false, disabled: "2026-02-01T00:00:00Z" });
  server.grants = [{ project: "p0", role: "viewer" }];
  show(<UserPage name="ben" />);
  fireEvent.click(await button(text.enable));
  screen.getByText(text.namesakeNote);
  expect(screen.queryByRole("button", { name: text.setPassword })).toBeNull();
  const dialog = await screen.findByRole("dialog");
  fireEvent.click(within(dialog).getByRole("button", { name: text.enable }));
  await button(text.disable);
  expect(server.asked).toEqual(["POST /api/v1/users/ben/enable"]);
  expect(screen.queryByRole("dialog")).toBeNull();
});

it("says so where it was not found among them, and where it could not be looked for", async () => {
  Object.assign(server, { projects: ADMINISTERED_MAX + 5, isFailing: false, grants: [] });
  show(<UserPage name="ben" />);
  await screen.findByText(text.notFound(String(ADMINISTERED_MAX)));
  cleanup();
  server.isFailing = true;
  show(<UserPage name="ben" />);
  await screen.findByText("out of order");
  expect(screen.queryByText(text.notFound(String(ADMINISTERED_MAX)))).toBeNull();
  expect(screen.queryByText(text.foreignNote)).toBeNull();
});
