import { play } from "./stage/play.mjs";
import { eventsOf, heapOf, traced } from "./stage/trace.mjs";

/** How far a round scrolls: so many turns of the wheel, by so many pixels each. */
const TURNS = 60;
const TURN = 900;

/** How many pixels that comes to at least, however slowly the rows are loaded on a busy machine. */
const SCROLLED_MIN = 5 * TURN;

/** What a round looks for, letter by letter. */
const WORDS = ["gate 41", "0073519", "1320"];

/** The part of the promised events that has to reach the page at least. */
const ENOUGH = 0.9;

// The list of 100,000 devices is scrolled and searched while a thousand things a second happen.
await play(async (stage) => {
  const { page, text, facts } = stage;
  await stage.signIn("/ui/devices?project=demo");
  const list = page.getByRole("table", { name: text.devices.list });
  await list.getByRole("link").first().waitFor();
  const search = page.getByLabel(text.devices.search, { exact: true });

  /** Until the list is that of what was typed. */
  const shows = (word) =>
    stage.until(`the list of "${word}"`, async () => {
      const asked = new URL(page.url()).searchParams.get("text") ?? "";
      const stale = await page.locator(".devices-list[data-stale=true]").count();
      return asked === word && stale === 0 && (await list.getByRole("link").count()) > 0;
    });

  const round = async () => {
    stage.to("scrolling");
    await list.hover();
    for (let turn = 0; turn < TURNS; turn += 1) {
      await page.mouse.wheel(0, TURN);
      await page.waitForTimeout(50);
    }
    const scrolled = await list.evaluate((frame) => frame.scrollTop);
    if (scrolled < SCROLLED_MIN) {
      throw new Error(`${TURNS} turns of the wheel have moved the list by ${scrolled} pixels`);
    }
    await list.evaluate((frame) => frame.scrollTo(0, 0));
    for (const word of WORDS) {
      stage.to(`typing ${word}`);
      await search.pressSequentially(word, { delay: 60 });
      await shows(word);
      await search.fill("");
      await shows("");
    }
    if ((await page.locator('[role="row"]').count()) > 1_000) {
      throw new Error("the list draws more rows than anybody can see");
    }
  };

  // The first load, and what the browser learns by it, is not what this is about.
  await round();
  stage.to("counting");
  const count = await eventsOf(page);
  const before = { count: count(), made: await stage.ask("made"), at: Date.now() };
  const seconds = () => (Date.now() - before.at) / 1_000;
  let longest = 0;
  let tasks = 0;
  const heaps = [];
  while (seconds() < facts.seconds) {
    const trace = await traced(page.context().browser(), round);
    longest = Math.max(longest, trace.longest);
    tasks += trace.count;
    heaps.push({ at: seconds(), bytes: await heapOf(page) });
  }
  const came = (count() - before.count) / seconds();
  const made = ((await stage.ask("made")) - before.made) / seconds();
  const quarter = heaps.filter(({ at }) => at <= facts.seconds / 4).at(-1) ?? heaps[0];
  const growth = heaps.at(-1).bytes - quarter.bytes;
  console.error(
    `${Math.round(came)} events a second at the page (${Math.round(made)} made), ` +
      `${tasks} tasks, the longest ${longest.toFixed(0)} ms; heap ` +
      heaps.map(({ bytes }) => `${(bytes / 2 ** 20).toFixed(1)}`).join(" ") +
      " MiB",
  );
  if (came < ENOUGH * facts.eventsASecond) {
    throw new Error(`only ${Math.round(came)} events a second reached the page`);
  }
  if (longest > facts.taskMax) {
    throw new Error(`a task took ${longest.toFixed(0)} ms, over ${facts.taskMax}`);
  }
  if (growth > facts.growthMax) {
    throw new Error(`the page's memory grew by ${growth} bytes`);
  }
});
