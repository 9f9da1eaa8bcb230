import { play } from "./stage/play.mjs";

// The server is killed while a value is half typed. The page says so, keeps what was typed, and goes
// on by itself once it is back; so does a list in which something has changed meanwhile.
await play(async (stage) => {
  const { page, text, watch, facts } = stage;
  watch.expectAbsence();
  watch.expectMovement();
  await stage.signIn(`/ui/devices/demo/${facts.phone}`);
  stage.to("typing");
  await stage.button(text.device.setProperty).click();
  await page.getByLabel(text.device.property, { exact: true }).fill(facts.property);
  const value = page.getByLabel(text.device.value, { exact: true });
  await value.fill(facts.value);

  stage.to("the server's end");
  await stage.ask("kill-server");
  await stage.button(text.device.set).click();
  await page.getByText(text.shell.away).waitFor();
  if ((await value.inputValue()) !== facts.value) {
    throw new Error("what was typed is gone");
  }

  stage.to("its return");
  await stage.ask("start-server");
  await page.getByText(text.shell.away).waitFor({ state: "detached" });
  stage.to("what was typed to go through");
  await value.waitFor({ state: "detached" });
  const row = page.getByRole("row").filter({ hasText: facts.property }).first();
  await row.getByText(text.states.value.shown, { exact: true }).waitFor();

  stage.to("the list, over another restart");
  await stage.go(text.devices.title);
  const list = page.getByRole("table", { name: text.devices.list });
  await list.getByRole("link").first().waitFor();
  const search = page.getByLabel(text.devices.search, { exact: true });
  await search.fill("phone");
  await stage.ask("kill-server");
  await stage.ask("start-server");
  const name = `phone after ${facts.value} ${stage.given.width}`;
  await stage.ask("rename", { to: name });
  await list.getByRole("link", { name, exact: true }).waitFor();
  if ((await search.inputValue()) !== "phone") {
    throw new Error("what was looked for is gone");
  }
});
