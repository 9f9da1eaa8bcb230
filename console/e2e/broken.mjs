import { axe } from "./stage/axe.mjs";
import { play } from "./stage/play.mjs";

/** What the server says of each read. */
const WHY = "the disk of the store has gone";

// Nothing can be read: each view says so in the server's own words, and is whole once it can be again
// and somebody has pressed the button for it.
await play(async (stage) => {
  const { facts, page, watch, text } = stage;
  watch.expect(500);
  // What is pressed for may come long after the press.
  watch.expectMovement();
  await stage.signIn("/ui/overview", facts.token);
  const faults = [];
  let reads = 0;
  const refuse = async (route) => {
    reads += 1;
    await route.fulfill({
      status: 500,
      contentType: "application/problem+json",
      body: JSON.stringify({ title: "Internal", status: 500, code: "internal", detail: WHY }),
    });
  };
  const isRead = ({ pathname }) => /^\/api\/v1\/(?!session|events|projects$)/.test(pathname);
  for (const address of Object.values(facts.views).flat()) {
    stage.to(address);
    // What the view before reads is not this one's.
    await stage.leave();
    reads = 0;
    await page.route(isRead, refuse);
    await stage.open(address);
    await stage.settled();
    const said = page.getByRole("alert").filter({ hasText: WHY });
    if (reads > 0) {
      const isTold = said.first().waitFor();
      await isTold.catch(() => faults.push(`${address}: not a word of what could not be read`));
    }
    faults.push(...(await axe(stage)).map((fault) => `${address}: ${fault}`));
    await page.unroute(isRead);
    const again = said.first().getByRole("button", { name: text.parts.retry });
    await stage.until("all of it to be read", async () => {
      // One press may bring back what another notice is about, too.
      if ((await again.count()) > 0) {
        await again.click({ timeout: 1_000 }).catch(() => {});
      }
      return (await said.count()) === 0;
    });
    await watch.check().catch((error) => faults.push(`${address}: ${error.message}`));
  }
  if (faults.length > 0) {
    throw new Error(`${faults.length} faults:\n  ${faults.join("\n  ")}`);
  }
});
