import { play } from "./stage/play.mjs";

// Devices are chosen far down a list: they are so still once one of them was looked at, and not for
// another filter or for whoever signs in next. What is typed over the page is not lost by a key, and
// bad news can be put away meanwhile.
await play(async (stage) => {
  const { page, text, given, facts, watch } = stage;
  const { device, devices, parts } = text;
  const number = new Intl.NumberFormat(given.language).format;
  const at = "/ui/devices?project=demo";
  await stage.signIn(at);
  const list = page.getByRole("table", { name: devices.list });
  const row = (name) => list.getByRole("row").filter({ hasText: name });
  const box = (name) => list.getByRole("checkbox", { name: parts.selectRow(name), exact: true });
  const chosen = (count) => page.getByText(parts.selected(number(count)), { exact: true });
  await box(facts.first).check();

  stage.to("choosing the last of the list");
  await list.focus();
  await stage.until("all of the list", async () => {
    await page.keyboard.press("End");
    return (await row(facts.last).count()) > 0;
  });
  await box(facts.last).check();
  await chosen(2).waitFor();

  stage.to("looking at it, and coming back");
  await row(facts.last).getByRole("link").click();
  await stage.title(facts.last).waitFor();
  await page.goBack();
  await chosen(2).waitFor();
  const link = row(facts.last).getByRole("link");
  await stage.until("the focus on it", () => stage.hasFocus(link));
  stage.to("another filter");
  // It is applied once the typing rests.
  watch.expectMovement();
  const search = page.getByLabel(devices.search, { exact: true });
  await search.fill(facts.last);
  await stage.until("one device alone", async () => (await list.getByRole("link").count()) === 1);
  if ((await box(facts.last).isChecked()) || (await chosen(1).count()) > 0) {
    throw new Error("what was chosen by one filter is chosen by another");
  }

  stage.to("bad news");
  await row(facts.last).getByRole("link").click();
  await stage.title(facts.last).waitFor();
  watch.expect(409);
  const refusal = { status: 409, code: "refused", detail: "not now" };
  const answer = { status: 409, contentType: "application/problem+json" };
  await page.route("**/freeze*", (route) =>
    route.fulfill({ ...answer, body: JSON.stringify(refusal) }),
  );
  await page.getByRole("button", { name: device.more }).click();
  await stage.button(device.freeze).click();
  const news = page.getByText(refusal.detail, { exact: true });
  await news.waitFor();
  stage.to("typing over the page");
  await stage.button(device.changeCredentials).first().click();
  const dialog = page.getByRole("dialog", { name: device.changeCredentials });
  const field = dialog.getByLabel(device.user, { exact: true });
  await field.fill("gate-user");
  stage.to("putting the news away, by the keyboard");
  await stage.tabTo(stage.button(parts.dismiss));
  await stage.checkAccess("dialog[open]");
  await page.keyboard.press("Enter");
  await news.waitFor({ state: "detached" });
  if (!(await dialog.evaluate((shown) => shown.contains(document.activeElement)))) {
    throw new Error("the focus has gone with the news");
  }

  stage.to("a key that would lose what is typed");
  const asked = [];
  let isLeft = false;
  page.on("dialog", (question) => {
    asked.push(question.message());
    void (isLeft ? question.accept() : question.dismiss());
  });
  // A browser closes at the second one without asking, unless the page does.
  for (const times of [1, 2]) {
    await page.keyboard.press("Escape");
    await stage.until("the question", () => asked.length === times);
    if ((await field.inputValue()) !== "gate-user") {
      throw new Error("what was typed is gone");
    }
  }
  isLeft = true;
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  if (asked.some((question) => question !== parts.leaveTyped)) {
    throw new Error(`other questions: ${asked}`);
  }

  stage.to("the next who signs in");
  await page.goBack();
  await list.getByRole("link").first().waitFor();
  await box(facts.last).check();
  await chosen(1).waitFor();
  if (stage.isNarrow) {
    await stage.button(text.shell.menu).click();
  }
  await stage.button(text.shell.signOut).click();
  await stage.enter(given.user, given.password);
  await list.getByRole("link").first().waitFor();
  if (await box(facts.last).isChecked()) {
    throw new Error("a choice has outlived its session");
  }
});
