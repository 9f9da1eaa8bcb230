import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ask, brief, hangUp } from "./rust.mjs";
import { textsOf } from "./texts.mjs";
import { Watch } from "./watch.mjs";

/** How long a script waits for what should be there soon. Far beyond what it takes. */
const PATIENCE_MS = 20_000;

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

/** What a script is given: the page, the words of its language, and what the fixture holds. */
export class Stage {
  constructor(page, watch, given, text) {
    this.page = page;
    this.watch = watch;
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
    await this.page.goto(this.given.url + path);
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

  /** Whether the page, not something in it, can be moved sideways. */
  async isTooWide() {
    return this.page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return scrollWidth > clientWidth;
    });
  }
}

/**
 * Runs a script from its brief to its end, with a browser of its own. The process's status says
 * whether it did what it should; of a failure the page's picture and words are kept.
 */
export async function play(script) {
  const given = await brief();
  const browser = await chromium.launch({
    executablePath: given.chromium,
    args: FLAGS,
  });
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
  } catch (error) {
    console.error(`${given.name}: at ${stage.step} (${page.url()}): ${error.stack ?? error}`);
    await keep(given, page, watch);
    process.exitCode = 1;
  } finally {
    await browser.close();
    hangUp();
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
