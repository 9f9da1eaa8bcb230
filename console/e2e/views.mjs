import { readFile } from "node:fs/promises";
import { axe } from "./stage/axe.mjs";
import { play } from "./stage/play.mjs";

/** How long a view has to be still to count as shown. */
const STILL_MS = 400;

/** The rules that another colour scheme can break. */
const COLOURS = ["color-contrast", "link-in-text-block"];

const router = await readFile(new URL("../src/router.tsx", import.meta.url), "utf8");

/** The views that the router knows, but for those that lead to others. */
function viewsOfRouter() {
  const routes = [...router.matchAll(/path: "([^"]+)",\s*component:/g)];
  return routes.map(([, path]) => path);
}

/** Waits until a view has read what it shows. */
async function settled(stage) {
  const { page } = stage;
  await page.getByRole("heading", { level: 1 }).waitFor();
  let since = Date.now();
  await stage.until("the view to be still", async () => {
    const busy = await page.locator(".skeleton, [aria-busy=true]").count();
    if (busy > 0) {
      since = Date.now();
    }
    return Date.now() - since > STILL_MS;
  });
}

/** All that is wrong with the view at an address. */
async function faultsOf(stage, address) {
  const { page, watch, given } = stage;
  const faults = [];
  await stage.open(address);
  await settled(stage);
  // What a view could not read can be tried again; what a device suffers from is no such notice.
  const problems = page.getByRole("alert").filter({ has: stage.button(stage.text.parts.retry) });
  for (const problem of await problems.allTextContents()) {
    faults.push(`the view could not be read: ${problem}`);
  }
  if ((await page.locator("main .page > :not(header)").count()) === 0) {
    faults.push("the view shows nothing but its title");
  }
  if (await stage.isTooWide()) {
    faults.push("the page can be moved sideways");
  }
  faults.push(...(await axe(page)));
  await page.emulateMedia({ colorScheme: "dark" });
  faults.push(...(await axe(page, COLOURS)).map((fault) => `in the dark: ${fault}`));
  await page.emulateMedia({ colorScheme: given.theme });
  await watch.check().catch((error) => faults.push(error.message));
  return faults.map((fault) => `${address}: ${fault}`);
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
  const faults = (await axe(page)).map((fault) => `signing in: ${fault}`);
  await stage.signIn("/ui/overview", facts.token);

  for (const address of Object.values(facts.views).flat()) {
    stage.to(address);
    const found = await faultsOf(stage, address).catch((error) => [`${address}: ${error.message}`]);
    faults.push(...found);
  }
  if (faults.length > 0) {
    throw new Error(`${faults.length} faults:\n  ${faults.join("\n  ")}`);
  }
});
