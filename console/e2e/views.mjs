import { readFile } from "node:fs/promises";
import { axe } from "./stage/axe.mjs";
import { play } from "./stage/play.mjs";

const router = await readFile(new URL("../src/router.tsx", import.meta.url), "utf8");

/** The views that the router knows, but for those that lead to others. */
function viewsOfRouter() {
  const routes = [...router.matchAll(/path: "([^"]+)",\s*component:/g)];
  return routes.map(([, path]) => path);
}

/** All that is wrong with the view at an address. */
async function faultsOf(stage, address) {
  const { page, facts } = stage;
  const faults = [];
  await stage.open(address);
  await stage.settled();
  // What a view could not read can be tried again; what a device suffers from is no such notice.
  const problems = page.getByRole("alert").filter({ has: stage.button(stage.text.parts.retry) });
  for (const problem of await problems.allTextContents()) {
    faults.push(`the view could not be read: ${problem}`);
  }
  if (!(await isThere(page.locator("main .page > :not(header)")))) {
    faults.push("the view shows nothing but its title");
  }
  const empty = page.locator("main .empty");
  if ((await empty.count()) > 0 && !facts.empty.includes(address)) {
    faults.push(`the view has nothing to show: ${await empty.first().textContent()}`);
  }
  faults.push(...(await faultsOfPage(stage)));
  return faults.map((fault) => `${address}: ${fault}`);
}

/** Whether any of these comes to be there. An answer may have come and not been drawn yet. */
async function isThere(any) {
  return any
    .first()
    .waitFor({ state: "attached" })
    .then(() => true)
    .catch(() => false);
}

/** All that is wrong with what the view at an address says of something that is not there. */
async function faultsOfMissing(stage, address) {
  await stage.open(address);
  await stage.settled();
  const said = stage.page.getByRole("alert").or(stage.page.locator("main .empty"));
  const isSaid = await isThere(said);
  const faults = await faultsOfPage(stage);
  if (!isSaid) {
    faults.push("the view does not say that it is not there");
  }
  return faults.map((fault) => `${address}: ${fault}`);
}

/** What is wrong with the page as it is, whatever it shows. */
async function faultsOfPage(stage) {
  const faults = [];
  if (await stage.isTooWide()) {
    faults.push("the page can be moved sideways");
  }
  faults.push(...(await axe(stage)));
  await stage.watch.check().catch((error) => faults.push(error.message));
  return faults;
}

await play(async (stage) => {
  const { facts, page } = stage;
  const known = Object.keys(facts.views).sort();
  const wanted = viewsOfRouter().sort();
  if (known.join() !== wanted.join()) {
    throw new Error(`the views are ${wanted}, and those looked at ${known}`);
  }

  stage.to("signing in");
  await stage.open("/ui/overview");
  await page.getByLabel(stage.text.signIn.user, { exact: true }).waitFor();
  const faults = (await axe(stage)).map((fault) => `signing in: ${fault}`);
  await stage.signIn("/ui/overview", facts.token);

  const look = async (address, faultsAt) => {
    stage.to(address);
    const found = await faultsAt(stage, address).catch((error) => [`${address}: ${error.message}`]);
    faults.push(...found);
  };
  for (const address of Object.values(facts.views).flat()) {
    await look(address, faultsOf);
  }
  stage.watch.expect(404);
  for (const address of facts.missing) {
    await look(address, faultsOfMissing);
  }
  if (faults.length > 0) {
    throw new Error(`${faults.length} faults:\n  ${faults.join("\n  ")}`);
  }
});
