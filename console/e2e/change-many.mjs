import { addValue, dryRun } from "./stage/new-update.mjs";
import { play } from "./stage/play.mjs";

// All phones of a host, chosen by the filter, are given a value; what would happen is read first.
await play(async (stage) => {
  const { page, text, given, facts } = stage;
  const count = new Intl.NumberFormat(given.language).format(facts.count);
  await stage.signIn(`/ui/devices?project=demo&kind=phone&server=${facts.server}`);
  const list = page.getByRole("table", { name: text.devices.list });
  await list.getByRole("link").first().waitFor();
  stage.to("choosing all that match");
  await stage.button(text.devices.allMatching).click();
  await page.getByText(text.devices.areAllChosen, { exact: true }).waitFor();
  await stage.button(text.devices.newUpdate).click();
  await stage.title(text.newUpdate.title).waitFor();

  stage.to("saying what");
  const tools = { page, text, button: (name) => stage.button(name) };
  await addValue(tools, facts.property, facts.value);
  stage.to("the dry run");
  await dryRun(tools, count);
  const tally = page.getByRole("listitem").filter({ hasText: text.newUpdate.would.change });
  await tally.getByText(count, { exact: true }).waitFor();
  const lines = page.getByRole("table", { name: text.newUpdate.list });
  await lines.getByText(facts.value).first().waitFor();

  await stage.checkAccess("main");

  stage.to("another value, of which no dry run was seen");
  const value = page.getByLabel(facts.property, { exact: true });
  await value.fill("1");
  await page.getByText(text.newUpdate.dryRunStale).waitFor();
  await stage.until("the start to be shut", async () => {
    return stage.button(text.newUpdate.startButton).isDisabled();
  });
  await value.fill(facts.value);

  stage.to("starting, all at once");
  await page.getByLabel(text.update.plan.atOnce, { exact: true }).check();
  await stage.button(text.newUpdate.startCount(count)).click();
  const confirm = page.getByRole("dialog", { name: text.newUpdate.confirmTitle });
  await confirm.getByText(text.newUpdate.confirmAll(count)).waitFor();
  await stage.checkAccess("dialog[open]");
  await stage.button(text.newUpdate.startButton, confirm).click();
  stage.to("the update");
  await page.waitForURL(/\/ui\/updates\/(?!new)/);
  await stage.title(new RegExp(text.update.one)).waitFor();
  const tallied = page.getByRole("listitem").filter({ hasText: text.update.counts.succeeded });
  await tallied.getByText(count, { exact: true }).waitFor({ timeout: 60_000 });
});
