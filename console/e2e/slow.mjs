import { setTimeout as pause } from "node:timers/promises";
import { play } from "./stage/play.mjs";

/** How long the answers of the API take, one after the other, again and again. */
const TAKE_MS = [150, 600, 300, 900];

// Over a slow line each view says that it loads, in the place of what comes: nothing of it moves when
// that is there.
await play(async (stage) => {
  const { facts, page, watch, text } = stage;
  await stage.signIn("/ui/overview", facts.token);
  let asked = 0;
  await page.route("**/api/v1/**", async (route) => {
    const takes = TAKE_MS[asked % TAKE_MS.length];
    asked += 1;
    await pause(takes);
    // One that the page does not wait for any more is no fault.
    await route.continue().catch(() => {});
  });
  const faults = [];
  for (const address of Object.values(facts.views).flat()) {
    stage.to(address);
    await stage.open(address);
    await page
      .getByText(text.parts.loading, { exact: true })
      .first()
      .waitFor({ state: "attached" });
    await stage.settled();
    await watch.check().catch((error) => faults.push(`${address}: ${error.message}`));
  }
  await page.unrouteAll({ behavior: "ignoreErrors" });
  if (faults.length > 0) {
    throw new Error(`${faults.length} faults:\n  ${faults.join("\n  ")}`);
  }
});
