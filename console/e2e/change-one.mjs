import { play } from "./stage/play.mjs";

// One value of one device is changed where it stands, by the keyboard alone, and seen to arrive.
await play(async (stage) => {
  const { page, text, facts } = stage;
  await stage.signIn(`/ui/devices/demo/${facts.phone}`);
  const row = page.getByRole("row").filter({ hasText: facts.property }).first();
  await row.getByText(facts.from, { exact: true }).first().waitFor();

  stage.to("coming to the value");
  await stage.skipToContent();
  const edit = stage.button(text.device.editValue(facts.property));
  await stage.tabTo(edit);
  stage.to("editing");
  await page.keyboard.press("Enter");
  const value = page.getByLabel(text.device.newValue(facts.property), { exact: true });
  if ((await value.inputValue()) !== facts.from) {
    throw new Error("the edit does not begin with the value that is there");
  }
  await stage.until("the typing to begin in it", () => stage.hasFocus(value));
  await page.keyboard.type("9");
  await page.keyboard.press("Escape");
  await value.waitFor({ state: "detached" });
  await stage.until("the way back to where it began", () => stage.hasFocus(edit));
  await page.keyboard.press("Enter");
  await stage.until("the typing to begin anew", () => stage.hasFocus(value));
  if ((await value.inputValue()) !== facts.from) {
    throw new Error("what was left by Escape is still there");
  }
  await page.keyboard.press("Control+A");
  await page.keyboard.type(facts.to);
  await page.keyboard.press("Enter");
  await value.waitFor({ state: "detached" });

  stage.to("the value to arrive, without a reload");
  await row.getByText(text.states.value.shown, { exact: true }).waitFor();
  await stage.until("both sides to show it", async () => {
    return (await row.getByText(facts.to, { exact: true }).count()) >= 2;
  });

  stage.to("its history");
  const tabs = page.getByRole("navigation", { name: text.device.tabs });
  await tabs.getByRole("link", { name: text.device.tabHistory, exact: true }).click();
  await page.getByText(facts.to).first().waitFor();
});
