import { dialogsOf } from "./stage/dialogs.mjs";
import { play } from "./stage/play.mjs";

// Whoever may only look comes to every view, and none of them offers what would be refused.
await play(async (stage) => {
  const { facts, watch, page } = stage;
  // Some of what they are sent the address of is not theirs to see.
  watch.expect(403, 404);
  await stage.signIn("/ui/overview", facts.viewer);
  const faults = [];
  for (const { at, acts } of dialogsOf(stage)) {
    stage.to(at);
    await stage.open(at);
    await stage.settled();
    for (const [name] of acts) {
      if ((await page.getByRole("button", { name, exact: true }).count()) > 0) {
        faults.push(`${at} offers "${name}"`);
      }
    }
    await watch.check().catch((error) => faults.push(`${at}: ${error.message}`));
  }
  if (faults.length > 0) {
    throw new Error(`${faults.length} faults:\n  ${faults.join("\n  ")}`);
  }
});
