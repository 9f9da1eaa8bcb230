import { readFile } from "node:fs/promises";
import { play } from "./stage/play.mjs";

// All cameras of the project get other passwords, which are shown once. Those that still use the old
// one are seen, and that one of them has changed over.
await play(async (stage) => {
  const { page, text, given, facts } = stage;
  const { passwords, parts } = text;
  const told = (number) => new Intl.NumberFormat(given.language).format(number);
  const count = facts.cameras.length;
  await stage.signIn("/ui/passwords?project=demo");
  const list = page.getByRole("table", { name: passwords.cameras });
  await list.getByRole("link", { name: facts.cameras[0] }).waitFor();
  await stage.button(passwords.rotateAll).click();

  stage.to("how long the old ones work");
  const terms = page.getByRole("dialog", { name: passwords.termsTitle(told(count)) });
  await terms.getByLabel(passwords.overlap, { exact: true }).fill("1");
  await stage.checkAccess("dialog[open]");
  await stage.button(passwords.make, terms).click();

  stage.to("keeping the new ones");
  const made = page.getByRole("dialog", { name: passwords.madeTitle });
  const begin = stage.button(passwords.begin(told(count)), made);
  if (!(await begin.isDisabled())) {
    throw new Error("passwords can be set that nobody has kept");
  }
  await stage.checkAccess("dialog[open]");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    stage.button(parts.download, made).click(),
  ]);
  const saved = await readFile(await download.path(), "utf8");
  const [, ...rows] = saved
    .replace(/^\uFEFF/, "")
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(",").map(textOf));
  const ids = rows.map(([id]) => id).sort();
  if (ids.join() !== [...facts.cameras].sort().join()) {
    throw new Error(`the file is of ${ids}`);
  }
  await begin.click();
  const over = page.getByRole("dialog", { name: passwords.doneTitle });
  await over.getByText(passwords.done(told(count), told(count))).waitFor();
  await stage.checkAccess("dialog[open]");
  await stage.button(parts.done, over).click();

  stage.to("those that use the old one");
  await stage.ask("all-register");
  const shares = page.getByRole("listitem");
  const share = (label) => shares.filter({ has: page.getByRole("link", { name: label }) });
  await share(passwords.old).getByText(told(count), { exact: true }).waitFor();
  stage.to("one that has changed over, without a reload");
  const [id, password] = rows.find(([id]) => id === facts.cameras[0]);
  await stage.ask("renew", { id, password });
  await share(passwords.old)
    .getByText(told(count - 1), { exact: true })
    .waitFor();
  await share(passwords.current).getByText(told(1), { exact: true }).waitFor();

  stage.to("who still uses the old one");
  await share(passwords.old).getByRole("link").click();
  const links = list.getByRole("link");
  await stage.until("the others, and not this one", async () => {
    return (await links.count()) === count - 1;
  });
  if ((await links.allTextContents()).includes(id)) {
    throw new Error(`${id} has changed over, and is listed`);
  }

  stage.to("the passwords to be gone");
  await stage.reload();
  await links.first().waitFor();
  if ((await page.content()).includes(password)) {
    throw new Error("a password is shown again");
  }
});

/** A cell as a spreadsheet shows it: digits stand in it as the formula of a text. */
function textOf(cell) {
  const inner = cell.replace(/^"(.*)"$/, "$1").replaceAll('""', '"');
  return inner.replace(/^="(.*)"$/, "$1");
}
