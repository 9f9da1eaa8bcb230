import { play } from "./stage/play.mjs";

/** Prints the page as the browser does; gives how many sheets that are, and what stands on them. */
async function printed({ page }) {
  await page.evaluate(() => {
    const note = () => {
      window.fleetwrightPaper = {
        notes: [...document.querySelectorAll(".printed")].map((each) => each.textContent.trim()),
        rows: document.querySelectorAll(".rows-row").length,
      };
    };
    // After the page's own: what has been drawn by then is what is printed.
    window.addEventListener("beforeprint", note, { once: true });
  });
  const paper = (await page.pdf({ format: "A4" })).toString("latin1");
  const sheets = paper.match(/\/Type\s*\/Page\b/g)?.length ?? 0;
  return { sheets, ...(await page.evaluate(() => window.fleetwrightPaper)) };
}

// A list on paper says which of how many rows are on it, of which project and server, and when; a
// device and an update are on it as a whole, and nothing that could be pressed.
await play(async (stage) => {
  const { page, text, given, facts } = stage;
  const { devices, parts } = text;
  const number = new Intl.NumberFormat(given.language).format;
  await stage.signIn(`/ui/devices?project=demo&text=${facts.text}`);
  const list = page.getByRole("table", { name: devices.list });
  await list.getByRole("link").first().waitFor();
  await page
    .getByText(devices.loadedOf(number(facts.loaded), number(facts.count)), { exact: true })
    .waitFor();

  stage.to("a list of which a part is loaded");
  const { sheets, notes, rows } = await printed(stage);
  const [head, told] = notes;
  const { host, href } = new URL(page.url());
  for (const part of [host, "demo", href]) {
    if (!head?.includes(part)) {
      throw new Error(`the paper does not say ${part}: ${head}`);
    }
  }
  const range = parts.printedOf("1", number(facts.loaded), number(facts.count));
  if (told !== `${range} ${devices.printRest}` || rows !== facts.loaded || sheets < 2) {
    throw new Error(`${sheets} sheets with ${rows} rows: ${told}`);
  }
  const left = await page.locator(".printed").count();
  if (left > 0 || (await list.getByRole("row").count()) - 1 >= facts.loaded) {
    throw new Error("what is for paper alone stays on the screen");
  }

  stage.to("what is on the paper");
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  for (const gone of [
    page.getByRole("navigation", { name: text.shell.navigation }),
    page.getByRole("search", { name: devices.filters }),
    stage.button(devices.allMatching),
    list.getByRole("checkbox").first(),
  ]) {
    if (await gone.isVisible()) {
      throw new Error(`the paper has ${gone}`);
    }
  }
  const ground = await page.evaluate(() => getComputedStyle(document.body).color);
  if (Math.max(...(ground.match(/\d+/g) ?? []).map(Number)) > 100) {
    throw new Error(`the text is light on paper: ${ground}`);
  }
  await page.emulateMedia({ media: "screen", colorScheme: given.theme });

  stage.to("a short list");
  await stage.open(`/ui/devices?project=demo&text=${facts.one}`);
  await stage.until("one device alone", async () => (await list.getByRole("link").count()) === 1);
  const short = await printed(stage);
  if (short.notes[1] !== parts.printedAll("1")) {
    throw new Error(`it says of one row: ${short.notes[1]}`);
  }

  stage.to("an update");
  await stage.open(`/ui/updates/${facts.update}?project=demo`);
  await stage.settled();
  const jobs = await printed(stage);
  if (jobs.rows !== facts.jobs || jobs.notes[1] !== parts.printedAll(number(facts.jobs))) {
    throw new Error(`${jobs.rows} jobs are on paper: ${jobs.notes[1]}`);
  }
});
