import { choose } from "./stage/filters.mjs";
import { play } from "./stage/play.mjs";

// From the list to the one device that is not as it should be, and to the reason, in the server's
// own words, with what to do about it.
await play(async (stage) => {
  const { page, text, facts } = stage;
  await stage.signIn("/ui/devices?project=demo");
  stage.to("choosing those that need attention");
  await choose(stage, text.devices.filter.attention, [text.devices.anyAttention]);
  const list = page.getByRole("table", { name: text.devices.list });
  await stage.until("one device alone to be left", async () => {
    return (await list.getByRole("link").count()) === 1;
  });

  stage.to("the same list, sent to somebody else");
  await stage.openAsSomebodyElse();
  await stage.until("the one device", async () => {
    return (await list.getByRole("link").count()) === 1;
  });

  stage.to("the device");
  await list.getByRole("link").click();
  await page.getByText(facts.phone).first().waitFor();
  const row = page.getByRole("row").filter({ hasText: facts.property }).first();
  await row.getByText(facts.value, { exact: true }).waitFor();

  stage.to("why");
  const tabs = page.getByRole("navigation", { name: text.device.tabs });
  await tabs.getByRole("link", { name: text.device.tabExplain, exact: true }).click();
  const value = page.getByRole("listitem").filter({ hasText: facts.property });
  await value.getByText(facts.reason.why).first().waitFor();
  // Commands stand in it between backticks, and are shown as such.
  const told = facts.reason.what_to_do.replaceAll("`", "");
  await stage.until("what to do about it", async () => {
    return (await value.first().textContent())?.includes(`${text.device.whatToDo} ${told}`);
  });
  await value.getByText(text.states.job.failed, { exact: true }).first().waitFor();
});
