import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { Backups } from "./Backups";

/** What lies on the server; the client of the API keeps what `fetch` is when it is loaded. */
const server = vi.hoisted(() => {
  const server = { kept: [] as string[], asked: [] as string[] };
  const counts = { projects: 1, devices: 2, jobs: 3, updates: 4, presets: 5 };
  globalThis.fetch = async (given) => {
    const { method, url } = given as Request;
    const { pathname } = new URL(url);
    server.asked.push(`${method} ${pathname}`);
    if (method === "POST") {
      server.kept.unshift("new one.db");
      const sha256 = "0".repeat(64);
      const not_included = ["master-key"];
      return Response.json({
        name: "new one.db",
        path: "",
        bytes: 1,
        sha256,
        counts,
        not_included,
      });
    }
    if (method === "DELETE") {
      server.kept = server.kept.filter((name) => !pathname.endsWith(encodeURIComponent(name)));
      return new Response(null, { status: 204 });
    }
    const at = "2026-11-23T08:30:00Z";
    const backups = server.kept.map((name) => ({ name, bytes: 1_536, made_at: at }));
    return Response.json({ backups, total: backups.length });
  };
  return server;
});

const { cluster: text } = messages.en;

afterEach(cleanup);

it("lists what lies on the server, takes in what is made, and leaves out what is deleted", async () => {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <Backups />
    </QueryClientProvider>,
  );
  await screen.findByText(text.noBackups);
  fireEvent.click(screen.getByRole("button", { name: text.backUp }));
  await screen.findByText(text.madeBackup("new one.db"));
  const row = await screen.findByRole("row", { name: /^new one\.db/ });
  expect(row.textContent).toContain("1.5 KiB");
  const link = within(row).getByRole("link");
  expect(link.getAttribute("href")).toBe("/api/v1/backups/new%20one.db");

  fireEvent.click(within(row).getByRole("button", { name: `${text.remove} new one.db` }));
  const [remove] = [...screen.getByRole("dialog").querySelectorAll("button")].slice(-1);
  fireEvent.click(remove as HTMLElement);
  await screen.findByText(text.noBackups);
  await waitFor(() => expect(screen.queryByText(text.madeBackup("new one.db"))).toBeNull());
  expect(server.asked).toContain("DELETE /api/v1/backups/new%20one.db");
});
