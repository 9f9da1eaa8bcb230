import { readFile } from "node:fs/promises";
import { play } from "./stage/play.mjs";

// A file with lines that are not right: they are named, line by line, before anything is changed;
// then the others are brought in.
await play(async (stage) => {
  const { page, text, given, watch, facts } = stage;
  const { importing } = text;
  const told = (number) => new Intl.NumberFormat(given.language).format(number);
  // Lines that are not right are the server's refusal of a piece.
  watch.expect(422);
  await stage.signIn("/ui/import?project=demo");
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    stage.button(importing.choose).click(),
  ]);
  await chooser.setFiles(facts.file);
  await page.getByText(facts.file.split("/").at(-1), { exact: true }).waitFor();

  stage.to("trying it");
  await stage.button(importing.dryRun).click();
  await page.getByRole("heading", { level: 2, name: importing.triedTitle }).waitFor();
  const lines = page.getByRole("table", { name: importing.report });
  await namesTheBad(stage, lines);

  await stage.checkAccess("main");

  stage.to("the lines that are not right, as a file to mend");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    stage.button(importing.saveBad).click(),
  ]);
  const saved = await readFile(await download.path(), "utf8");
  const rows = saved.trim().split(/\r?\n/);
  if (rows.join("\n") !== [facts.header, ...facts.bad.map(({ text }) => text)].join("\n")) {
    throw new Error(`the file to mend is:\n${saved}`);
  }

  stage.to("importing the others");
  await page
    .getByLabel(importing.mode, { exact: true })
    .selectOption({ label: importing.modeGood });
  await stage.button(importing.importCount(told(facts.lines))).click();
  const dialog = page.getByRole("dialog", { name: importing.confirmTitle(told(facts.lines)) });
  await stage.checkAccess("dialog[open]");
  await stage.button(importing.import, dialog).click();
  await page.getByRole("heading", { level: 2, name: importing.doneTitle }).waitFor();
  const counts = page.locator(".import-counts");
  await counts.getByText(told(facts.good), { exact: true }).waitFor();
  await counts.getByText(told(facts.bad.length), { exact: true }).waitFor();
  await namesTheBad(stage, lines);

  stage.to("the devices");
  await page.getByRole("link", { name: importing.toDevices, exact: true }).click();
  const list = page.getByRole("table", { name: text.devices.list });
  await list.getByRole("link").first().waitFor();
});

/** Checks that the report names the lines that are not right, and no others. */
async function namesTheBad(stage, lines) {
  const { page, facts, isNarrow } = stage;
  const rows = lines.getByRole("row").filter({ has: page.getByRole("cell") });
  await stage.until("the lines that are not right", async () => {
    return (await rows.count()) === facts.bad.length;
  });
  for (const [index, { line, field }] of facts.bad.entries()) {
    const cells = await rows.nth(index).getByRole("cell").allTextContents();
    if (cells[0] !== String(line) || !(isNarrow || cells.includes(field))) {
      throw new Error(`line ${line} (${field}) is shown as ${cells}`);
    }
  }
}
