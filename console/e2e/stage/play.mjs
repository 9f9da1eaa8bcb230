import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { axe } from "./axe.mjs";
import { Reads } from "./reads.mjs";
import { ask, brief, tell } from "./rust.mjs";
import { textsOf } from "./texts.mjs";
import { Watch } from "./watch.mjs";

/** How long a script waits for what should be there soon. Far beyond what it takes. */
const PATIENCE_MS = 20_000;

/** How long a view has to be still to count as shown, once nothing that it has asked for is open. */
const STILL_MS = 100;

/** How many times somebody presses Tab before they give up. */
const TABS_MAX = 60;

/** Without these the browser looks for its maker, or needs what a container lacks. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/** How high the page is: that of a desk, or of a phone. */
function heightFor(width) {
  return width < 600 ? 844 : 900;
}

/**
 * Runs in the page: over once it has nothing to do and has drawn what it has. A busy machine makes it
 * later, and so nothing is taken for still that has only not come to it.
 */
function drawn() {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const rest = new Promise((resolve) => requestIdleCallback(resolve, { timeout: 1_000 }));
  return rest
    .then(frame)
    .then(frame)
    .then(() => undefined);
}

/** What a script is given: the page, the words of its language, and what the fixture holds. */
export class Stage {
  #reads;

  constructor(page, watch, given, text) {
    this.page = page;
    this.watch = watch;
    this.#reads = new Reads(page);
    this.given = given;
    this.text = text;
    this.facts = given.facts;
    this.isNarrow = given.width < 900;
    this.step = "the beginning";
    this.ask = ask;
  }

  /** Says what comes next, so that a failure tells where it was. */
  to(step) {
    this.step = step;
  }

  /** Loads a view by its address. */
  async open(path) {
    this.watch.expectLoad();
    await this.page.goto(this.given.url + path);
  }

  /** Leaves the view for an empty page, so that nothing of it reads anything any more. */
  async leave() {
    this.watch.expectLoad();
    await this.page.goto("about:blank");
  }

  /** Loads the view anew. Nothing but this, `open` and `leave` may: the watch counts. */
  async reload() {
    this.watch.expectLoad();
    await this.page.reload();
  }

  /**
   * Opens the address of the view in sight as whoever was sent it does: somebody who signs in first,
   * and whose browser holds nothing of it.
   */
  async openAsSomebodyElse() {
    const { pathname, search } = new URL(this.page.url());
    await this.page.context().clearCookies();
    await this.page.evaluate(() => {
      localStorage.clear();
      sessionStorage.clear();
    });
    await this.signIn(pathname + search);
  }

  /** Follows a link of the navigation, which is behind a button where the page is narrow. */
  async go(label) {
    const { page, text } = this;
    if (this.isNarrow) {
      await page.getByRole("button", { name: text.shell.menu, exact: true }).click();
    }
    const navigation = page.getByRole("navigation", { name: text.shell.navigation });
    await navigation.getByRole("link", { name: label, exact: true }).click();
  }

  /** Fills the form of signing in, on its page or in its dialog, and sends it. */
  async enter(user, password, within = this.page) {
    const form = within.getByRole("form", { name: this.text.signIn.title });
    await form.getByLabel(this.text.signIn.user, { exact: true }).fill(user);
    await form.getByLabel(this.text.signIn.password, { exact: true }).fill(password);
    await form.getByRole("button", { name: this.text.signIn.submit, exact: true }).click();
  }

  /** Loads a view as somebody who has signed in: by name and password, or by a token. */
  async signIn(path, token) {
    const { page, text, given } = this;
    await this.open(path);
    if (token === undefined) {
      await this.enter(given.user, given.password);
    } else {
      await page.getByLabel(text.signIn.byToken, { exact: true }).check();
      await page
        .getByLabel(text.signIn.token, { exact: true })
        .and(page.locator("[type=password]"))
        .fill(token);
      await page.getByRole("button", { name: text.signIn.submit, exact: true }).click();
    }
    await page.locator("nav#navigation").waitFor({ state: "attached" });
  }

  /** Whether it has the focus. */
  async hasFocus(target) {
    return target.evaluate((element) => element === document.activeElement);
  }

  /** Goes on by Tab until `target` has the focus, as somebody without a mouse does. */
  async tabTo(target) {
    await target.waitFor({ state: "attached" });
    for (let count = 0; count < TABS_MAX; count += 1) {
      if (await this.hasFocus(target)) {
        return;
      }
      await this.page.keyboard.press("Tab");
    }
    throw new Error(`${TABS_MAX} times Tab do not lead to ${target}`);
  }

  /** Goes past the navigation by the link that is there for it. */
  async skipToContent() {
    const { page, text } = this;
    await this.tabTo(page.getByRole("link", { name: text.shell.skip, exact: true }));
    await page.keyboard.press("Enter");
  }

  /** A view's title. */
  title(name) {
    return this.page.getByRole("heading", { level: 1, name });
  }

  /** A button by its whole name. */
  button(name, within = this.page) {
    return within.getByRole("button", { name, exact: true });
  }

  /** Waits until `condition` gives something, and gives that. */
  async until(what, condition, patience = PATIENCE_MS) {
    const deadline = Date.now() + patience;
    for (;;) {
      const found = await condition();
      if (found) {
        return found;
      }
      if (Date.now() > deadline) {
        throw new Error(`waited ${patience} ms in vain for ${what}`);
      }
      await this.page.waitForTimeout(100);
    }
  }

  /** Waits until the view has read what it shows. */
  async settled() {
    const { page } = this;
    await page.getByRole("heading", { level: 1 }).waitFor();
    const reads = this.#reads;
    const isLoading = async () =>
      reads.areOpen || (await page.locator(".skeleton, [aria-busy=true]").count()) > 0;
    await this.until("the view to be still", async () => {
      const { begun } = reads;
      await page.evaluate(drawn);
      if (await isLoading()) {
        return false;
      }
      await page.waitForTimeout(STILL_MS);
      await page.evaluate(drawn);
      return reads.begun === begun && !(await isLoading());
    });
  }

  /** Checks that nothing within what the selector means shuts anybody out, light and dark. */
  async checkAccess(within) {
    const faults = await axe(this, within);
    if (faults.length > 0) {
      throw new Error(`${within} shuts somebody out:\n  ${faults.join("\n  ")}`);
    }
  }

  /** Whether the page, not something in it, can be moved sideways. */
  async isTooWide() {
    return this.page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return scrollWidth > clientWidth;
    });
  }
}

/**
 * Runs a script by each of its briefs, one after the other, in one browser, each in a context of its
 * own, which is as a browser that has never been anywhere. Of a failure the page's picture and words
 * are kept.
 */
export async function play(script) {
  let browser;
  try {
    for (let given = await brief(); given !== undefined; given = await brief()) {
      browser ??= await chromium.launch({ executablePath: given.chromium, args: FLAGS });
      const isGood = await playOnce(browser, script, given);
      if (!isGood) {
        process.exitCode = 1;
      }
      tell(isGood);
    }
  } finally {
    await browser?.close();
  }
}

/** Runs a script by one brief. Gives whether all went as it should. */
async function playOnce(browser, script, given) {
  const context = await browser.newContext({
    viewport: { width: given.width, height: heightFor(given.width) },
    colorScheme: given.theme,
    locale: given.language === "zh" ? "zh-CN" : "en-US",
    hasTouch: given.width < 600,
    reducedMotion: "reduce",
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const watch = new Watch(page);
  await watch.begin();
  const stage = new Stage(page, watch, given, await textsOf(given.language));
  try {
    await script(stage);
    await watch.check();
    if (await stage.isTooWide()) {
      throw new Error("the page can be moved sideways");
    }
    return true;
  } catch (error) {
    console.error(`${given.name}: at ${stage.step} (${page.url()}): ${error.stack ?? error}`);
    // What the page was at fault for meanwhile is often why.
    await watch.check().catch(({ message }) => console.error(`${given.name}: ${message}`));
    await keep(given, page, watch);
    return false;
  } finally {
    await context.close();
  }
}

/** Keeps how the page looked when a script failed, and what it had said. */
async function keep(given, page, watch) {
  await mkdir(given.artifacts, { recursive: true });
  const at = join(given.artifacts, given.name);
  await writeFile(`${at}.log`, watch.log);
  await page.screenshot({ path: `${at}.png`, timeout: 5_000 }).catch(() => {});
  console.error(`${given.name}: see ${at}.png and ${at}.log`);
}
