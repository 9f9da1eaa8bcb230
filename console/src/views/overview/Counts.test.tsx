import { cleanup, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { messages } from "../../i18n/messages";
import { show } from "../stage";
import { AttentionCounts } from "./Counts";

const { states } = messages.en;

afterEach(cleanup);

it("leads from each number to its devices, also to those that need nothing", async () => {
  const attention = { trouble: 1, drift: 2, restart_pending: 0, pending: 3 };
  const devices = {
    total: 10,
    attention,
    by_condition: { phone: {}, camera: {} },
    by_kind: { phone: 10, camera: 0 },
    cameras: { OnLine: 0, OffLine: 0, Register: 0 },
    frozen: 0,
  };
  show(<AttentionCounts devices={devices} project="p" />);
  const leads = async (word: keyof typeof states.attention, count: string) => {
    const link = await screen.findByRole("link", { name: new RegExp(states.attention[word]) });
    expect(link.textContent).toContain(count);
    expect(link.getAttribute("href")).toBe(`/ui/devices?project=p&attention=${word}`);
  };
  await leads("drift", "2");
  await leads("none", "4");
});
