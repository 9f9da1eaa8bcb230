import { play } from "./stage/play.mjs";

// One channel of a recorder is given a name, and the recorder itself shows it.
await play(async (stage) => {
  const { page, text, facts } = stage;
  await stage.signIn(`/ui/devices/demo/${facts.recorder}`);
  const tabs = page.getByRole("navigation", { name: text.device.tabs });
  await tabs.getByRole("link", { name: text.device.tabChannels, exact: true }).click();

  stage.to("renaming");
  await stage.button(text.device.renameOf(facts.channel)).click();
  const dialog = page.getByRole("dialog", { name: text.device.renameTitle(facts.channel) });
  await dialog.getByLabel(text.device.channelName, { exact: true }).fill(facts.name);
  await stage.button(text.parts.save, dialog).click();
  await dialog.waitFor({ state: "detached" });

  stage.to("the name to arrive, without a reload");
  const row = page.getByRole("row").filter({ hasText: facts.channel });
  await row.getByText(facts.name).first().waitFor();
  await stage.until("the recorder to show it", async () => {
    // Ours and its own; where there is room for ours alone, the state says so.
    const shown = await row.getByText(facts.name).count();
    const state = await row.getByText(text.states.value.shown, { exact: true }).count();
    return shown >= 2 || state > 0;
  });
});
