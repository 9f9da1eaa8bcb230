import { choose } from "./stage/filters.mjs";
import { play } from "./stage/play.mjs";

// All phones of a host go at once: the list shows it as it happens, and that they come back, in
// sight and by a filter of which they fall out. Then they are restarted from the list, and it is
// watched until all have recovered. Nothing is loaded anew.
await play(async (stage) => {
  const { page, text, given, facts } = stage;
  const count = new Intl.NumberFormat(given.language).format(facts.count);
  await stage.signIn(`/ui/devices?project=demo&kind=phone&server=${facts.server}`);
  const list = page.getByRole("table", { name: text.devices.list });
  await page.getByText(text.devices.loaded(count), { exact: true }).waitFor();
  const running = list.getByText(text.states.condition.running, { exact: true });
  const rows = async () => (await list.getByRole("row").count()) - 1;
  const untilAllRun = () =>
    stage.until(
      "all in sight to run",
      async () => (await rows()) > 0 && (await running.count()) === (await rows()),
      90_000,
    );
  await untilAllRun();

  stage.to("the host's end");
  await stage.ask("host-goes");
  const trouble = list.getByText(text.states.attention.trouble, { exact: true });
  await stage.until(
    "all in sight to be in trouble",
    async () => (await trouble.count()) === (await rows()),
    60_000,
  );
  stage.to("those in trouble, all of them");
  const { attention } = text.devices.filter;
  await choose(stage, attention, [text.states.attention.trouble]);
  await page.getByText(text.devices.loaded(count), { exact: true }).waitFor({ timeout: 60_000 });
  stage.to("its return");
  await stage.ask("host-comes");
  stage.to("one after the other leaving the list, until none is in it");
  await page.getByText(text.devices.noneMatch).waitFor({ timeout: 90_000 });
  stage.to("all of them, running");
  const chip = text.devices.chip(attention, text.states.attention.trouble);
  await stage.button(text.parts.remove(chip)).click();
  await page.getByText(text.devices.loaded(count), { exact: true }).waitFor();
  await untilAllRun();

  stage.to("restarting them");
  await stage.button(text.devices.allMatching).click();
  await stage.button(text.devices.restart).click();
  const confirm = page.getByRole("dialog", { name: text.devices.restartTitle });
  await confirm.getByText(text.devices.restartCount(count)).waitFor();
  await stage.checkAccess("dialog[open]");
  await stage.button(text.devices.restartDo(count), confirm).click();
  await confirm.waitFor({ state: "detached" });
  stage.to("watching them restart");
  await page.getByText(text.devices.restartBegun).first().waitFor();
  await stage.until("some to restart", async () => (await running.count()) < (await rows()));
  await untilAllRun();

  stage.to("those that are not back");
  const { restarting, stopped, abnormal } = text.states.condition;
  await choose(stage, text.devices.filter.condition, [restarting, stopped, abnormal]);
  await page.getByText(text.devices.noneMatch).waitFor({ timeout: 90_000 });
});
