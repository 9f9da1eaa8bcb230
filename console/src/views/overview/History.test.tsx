import { cleanup, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { show } from "../stage";
import type { Sample } from "./data";
import { History } from "./History";

// What is drawn on a canvas is not what is tested here.
vi.mock("./Chart", () => ({ Chart: () => <canvas /> }));

const { overview: text } = messages.en;

const sample = (at: string): Sample => ({
  at,
  total: 9,
  trouble: 1,
  drift: 2,
  restart_pending: 0,
  pending: 0,
});

afterEach(cleanup);

it("shows the present from the first count on, and says since when there is a history", async () => {
  const { unmount } = show(<History samples={[sample("2026-01-01T00:00:00Z")]} />);
  const chart = await screen.findByRole("img");
  expect(chart.getAttribute("aria-label")).toMatch(/need attention at .*: 3\.$/);
  screen.getByText(/The history begins at/);
  unmount();

  show(<History samples={[sample("2026-01-01T00:00:00Z"), sample("2026-01-02T23:50:00Z")]} />);
  await screen.findByRole("img");
  expect(screen.queryByText(/The history begins at/)).toBeNull();
  cleanup();

  show(<History samples={[]} />);
  await screen.findByText(text.historyEmpty);
});
