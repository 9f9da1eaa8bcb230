import { axe } from "./stage/axe.mjs";
import { dialogsOf } from "./stage/dialogs.mjs";
import { play } from "./stage/play.mjs";

/** What is pressed by its name: a button, or a box that is ticked. */
function pressed({ page }, name) {
  const of = (role) => page.getByRole(role, { name, exact: true });
  return of("button").or(of("checkbox")).first();
}

/** All that is wrong with the dialog that these presses lead to. It is closed by Escape. */
async function faultsOf(stage, presses) {
  const { page } = stage;
  for (const name of presses) {
    await pressed(stage, name).click();
  }
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await stage.settled();
  const faults = await axe(stage, "dialog[open]");
  if (await stage.isTooWide()) {
    faults.push("the page can be moved sideways");
  }
  if (await dialog.evaluate(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)) {
    faults.push("the dialog can be moved sideways");
  }
  if (!(await dialog.evaluate((shown) => shown.contains(document.activeElement)))) {
    faults.push("the focus is not in the dialog");
  }
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  if (await page.evaluate(() => document.activeElement === document.body)) {
    faults.push("the focus is lost once it is closed");
  }
  return faults;
}

// Each dialog that a press leads to, open: nothing in it shuts anybody out, Escape leaves it, and the
// focus is back where it was.
await play(async (stage) => {
  const { facts, watch } = stage;
  await stage.signIn("/ui/overview", facts.admin);
  const faults = [];
  for (const { at, acts, looks = [] } of dialogsOf(stage)) {
    stage.to(at);
    await stage.open(at);
    await stage.settled();
    for (const presses of [...acts, ...looks]) {
      const found = await faultsOf(stage, presses).catch((error) => [error.message]);
      await watch.check().catch((error) => found.push(error.message));
      faults.push(...found.map((fault) => `${at}, ${presses.join(", ")}: ${fault}`));
    }
  }
  if (faults.length > 0) {
    throw new Error(`${faults.length} faults:\n  ${faults.join("\n  ")}`);
  }
});
