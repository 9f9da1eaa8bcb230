import { play } from "./stage/play.mjs";
import { textsOf } from "./stage/texts.mjs";

// Somebody mistypes the password, is told so with the name still there, and is let in.
await play(async (stage) => {
  const { page, text, given } = stage;
  await stage.open("/ui/devices");
  await page.getByRole("heading", { level: 1 }).filter({ hasText: text.signIn.title }).waitFor();

  stage.to("another language than the browser's, and back");
  const submit = () => stage.button(stage.text.signIn.submit);
  await submit().waitFor();
  for (const language of [given.language === "zh" ? "en" : "zh", given.language]) {
    await page.getByLabel(stage.text.shell.language, { exact: true }).selectOption(language);
    stage.text = await textsOf(language);
    await submit().waitFor();
  }
  await stage.checkAccess("main");

  stage.to("the wrong password");
  await stage.enter(given.user, `${given.password}!`);
  const said = await page.getByRole("alert").textContent();
  if (!said?.trim()) {
    throw new Error("a wrong password is refused without a word");
  }
  const kept = await page.getByLabel(text.signIn.user, { exact: true }).inputValue();
  if (kept !== given.user) {
    throw new Error(`the name was lost: ${kept}`);
  }

  stage.to("the right one");
  await stage.enter(given.user, given.password);
  await stage.title(text.devices.title).waitFor();

  stage.to("what a script of the page can see of the session");
  const seen = await page.evaluate(() =>
    JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]),
  );
  const cookies = await page.context().cookies();
  const [session] = cookies;
  if (cookies.length !== 1 || seen.includes(session.value) || /fleetwright=|token/i.test(seen)) {
    throw new Error(`the session can be read: ${seen} of ${cookies.map(({ name }) => name)}`);
  }
  const { httpOnly, secure, sameSite } = session;
  if (!(httpOnly && secure && sameSite === "Strict")) {
    throw new Error(`the session's cookie is ${JSON.stringify({ httpOnly, secure, sameSite })}`);
  }

  stage.to("signing out");
  if (stage.isNarrow) {
    await stage.button(text.shell.menu).click();
  }
  await stage.button(text.shell.signOut).click();
  await page.getByLabel(text.signIn.password, { exact: true }).waitFor();
  await stage.reload();
  await page.getByLabel(text.signIn.password, { exact: true }).waitFor();
});
