import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { Work } from "./Cluster";

/** What the server is told; the client of the API keeps what `fetch` is when it is loaded. */
const told = vi.hoisted(() => {
  const told: unknown[] = [];
  globalThis.fetch = async (given) => {
    const request = given as Request;
    if (request.method === "PUT") {
      told.push(await request.json());
    }
    return Response.json({ paused: false });
  };
  return told;
});

const { cluster: text } = messages.en;

afterEach(cleanup);

it("does what was asked, also where somebody else does it while the question stands", async () => {
  const client = new QueryClient();
  render(
    <QueryClientProvider client={client}>
      <Work />
    </QueryClientProvider>,
  );
  fireEvent.click(await screen.findByRole("button", { name: text.pause }));
  act(() => {
    client.setQueryData(["settings"], { paused: true });
  });
  await screen.findByText(text.pausedNote);
  const dialog = screen.getByRole("dialog");
  expect(dialog.textContent).toContain(text.pauseWhat);
  const [confirm] = [...dialog.querySelectorAll("button")].slice(-1);
  fireEvent.click(confirm as HTMLElement);
  await waitFor(() => expect(told).toEqual([{ paused: true }]));
});
