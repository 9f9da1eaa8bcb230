import { addValue, dryRun } from "./stage/new-update.mjs";
import { play } from "./stage/play.mjs";

// An update goes through the phones in waves, one in ten of which refuses it: it stops by itself,
// shows what failed and why, and is taken back.
await play(async (stage) => {
  const { page, text, given, facts } = stage;
  const told = (number) => new Intl.NumberFormat(given.language).format(number);
  const tools = { page, text, button: (name) => stage.button(name) };
  await stage.signIn("/ui/updates/new?project=demo&kind=phone");
  await addValue(tools, facts.property, facts.value);
  stage.to("the dry run");
  await dryRun(tools, told(facts.devices));

  stage.to("the plan");
  const { plan } = text.update;
  await page.getByLabel(plan.inWaves, { exact: true }).check();
  await page.getByLabel(plan.canary, { exact: true }).fill(String(facts.canary));
  await page.getByLabel(plan.wave, { exact: true }).fill(String(facts.wave));
  await page.getByLabel(plan.stop, { exact: true }).selectOption({ label: plan.stopNumber });
  await page.getByLabel(plan.number, { exact: true }).fill(String(facts.stopAt));
  await stage.checkAccess("main");
  await stage.button(text.newUpdate.startCount(told(facts.devices))).click();

  stage.to("the update to stop by itself, without a reload");
  await page.waitForURL(/\/ui\/updates\/(?!new)/);
  const head = page.getByRole("heading", { level: 1 });
  await head.getByText(text.states.phase.stopped, { exact: true }).waitFor({ timeout: 60_000 });
  await page.getByText(text.update.begunOf(told(facts.begun), told(facts.devices))).waitFor();
  const failed = page.getByRole("listitem").filter({ hasText: text.update.counts.failed });
  await failed.getByText(told(facts.failed), { exact: true }).first().waitFor();

  stage.to("what failed");
  await page.getByRole("heading", { level: 2, name: text.update.failures }).waitFor();
  const reason = page.getByRole("row").filter({ hasText: text.update.itsJobs });
  await reason.getByRole("link", { name: facts.refusing[0] }).waitFor();
  await reason.getByRole("link", { name: text.update.itsJobs }).click();
  const jobs = page.getByRole("table", { name: text.update.jobs });
  const links = jobs.getByRole("link");
  await stage.until("the jobs that failed, and no others", async () => {
    return (await links.count()) === facts.failed;
  });
  const names = (await links.allTextContents()).sort();
  if (names.join() !== [...facts.refusing].sort().join()) {
    throw new Error(`those that failed are ${facts.refusing}, and shown are ${names}`);
  }

  await stage.checkAccess("main");

  stage.to("one of them, and back");
  await links.first().click();
  await page.getByText(facts.property).first().waitFor();
  await page.goBack();
  await head.getByText(text.states.phase.stopped, { exact: true }).waitFor();

  stage.to("taking it back");
  await stage.button(text.update.revert).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(text.update.revertEnds).waitFor();
  await stage.button(text.update.revertStart, dialog).click();
  const begun = page.getByRole("dialog", { name: text.update.revertBegun });
  await begun.getByRole("link", { name: text.update.revertOpen }).click();
  stage.to("the update that takes it back");
  await page.getByText(text.update.revertOf, { exact: true }).waitFor();
  await head.getByText(text.states.phase.done, { exact: true }).waitFor({ timeout: 60_000 });
});
