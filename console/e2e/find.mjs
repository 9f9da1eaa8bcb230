import { play } from "./stage/play.mjs";

// One device among 100,000, by a piece of its id and by its name; the address can be given away.
await play(async (stage) => {
  const { page, text, facts } = stage;
  await stage.signIn("/ui/devices?project=demo");
  const list = page.getByRole("table", { name: text.devices.list });
  await list.getByRole("link").first().waitFor();
  const search = page.getByLabel(text.devices.search, { exact: true });

  stage.to("looking for a piece of the id");
  await search.pressSequentially(facts.id.slice(-7), { delay: 30 });
  const link = list.getByRole("link", { name: facts.name, exact: true });
  await link.waitFor();
  await stage.until("one device alone to be left", async () => {
    return (await list.getByRole("link").count()) === 1;
  });

  stage.to("the address, given to somebody else");
  await stage.openAsSomebodyElse();
  await link.waitFor();
  if ((await list.getByRole("link").count()) !== 1) {
    throw new Error("the address shows others as well");
  }
  if ((await search.inputValue()) !== facts.id.slice(-7)) {
    throw new Error("the address does not hold what was looked for");
  }

  stage.to("something that is not there");
  await search.fill("no such device");
  await page.getByText(text.devices.noneMatch).waitFor();

  stage.to("looking for its name, by the keyboard alone");
  await search.fill(facts.name);
  await link.waitFor();
  await stage.tabTo(link);
  await page.keyboard.press("Enter");
  await stage.title(new RegExp(facts.name)).waitFor();
  await page.getByText(facts.id).first().waitFor();

  stage.to("all of them");
  await page.goBack();
  // The list gives it the focus back a moment after it is shown.
  await link.waitFor();
  await stage.until("the way back to where it began", () => stage.hasFocus(link));
  await stage.button(text.devices.clearAll).first().click();
  await list.getByRole("link").first().waitFor();

  stage.to("going through the list, and choosing, by the keyboard");
  await stage.tabTo(list);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("End");
  const index = () =>
    page.evaluate(() => Number(document.activeElement?.closest("[data-index]")?.dataset.index));
  await stage.until("the last of those that are loaded", async () => (await index()) >= 99);
  const last = await index();
  await page.keyboard.press("ArrowUp");
  await stage.until("the one before it", async () => (await index()) === last - 1);
  await page.keyboard.press("Space");
  await page.getByText(text.parts.selected("1"), { exact: true }).waitFor();
  await page.keyboard.press("Home");
  await stage.until("the first", async () => (await index()) === 0);
});
