/** How much a view may move by itself, as the browser's cumulative layout shift counts it. */
const SHIFT_MAX = 0.1;

/** What the browser says of an answer that is no success. */
const NO_SUCCESS = /^Failed to load resource: the server responded with a status of (\d+)/;

/** What it says where the server could not be reached. */
const NOT_REACHED = /^Failed to load resource: net::ERR_/;

/**
 * Runs in the page before anything of it does: reports what the policy forbids, and adds up how far
 * each view moves without anybody having touched it, by its address.
 */
function inPage() {
  document.addEventListener("securitypolicyviolation", (event) => {
    const { violatedDirective, blockedURI, sourceFile, lineNumber } = event;
    window.fleetwrightTold(
      `the policy forbids ${violatedDirective} ${blockedURI} (${sourceFile}:${lineNumber})`,
    );
  });
  const shifts = {};
  window.fleetwrightShifts = shifts;
  const nameOf = (node) =>
    node instanceof Element ? `${node.localName}.${node.className}` : String(node?.nodeName);
  new PerformanceObserver((list) => {
    for (const { hadRecentInput, startTime, value, sources } of list.getEntries()) {
      if (hadRecentInput) {
        continue;
      }
      const view = location.pathname;
      let windows = shifts[view];
      windows ??= [];
      shifts[view] = windows;
      let last = windows.at(-1);
      // As in Cumulative Layout Shift: what comes within a second of each other is one, for five
      // seconds at most, https://web.dev/articles/cls.
      if (!last || startTime - last.end > 1_000 || startTime - last.begin > 5_000) {
        last = { begin: startTime, end: startTime, sum: 0, what: [] };
        windows.push(last);
      }
      last.end = startTime;
      last.sum += value;
      const moved = sources.map(
        ({ node, previousRect, currentRect }) =>
          `${nameOf(node)} (${Math.round(previousRect.y)} to ${Math.round(currentRect.y)})`,
      );
      last.what.push(`${value.toFixed(3)} ${moved.join(" ")}`);
    }
  }).observe({ type: "layout-shift", buffered: true });
}

/** Looks over a page's shoulder: all that no view may do, whatever a script is about. */
export class Watch {
  #page;
  #faults = [];
  #log = [];
  #expected = new Set([401]);
  #mayBeAway = false;
  #mayMove = false;
  #loads = 0;
  #loadsAsked = 0;

  constructor(page) {
    this.#page = page;
  }

  /** Begins, before the page has loaded anything. */
  async begin() {
    await this.#page.exposeFunction("fleetwrightTold", (fault) => this.#tell(fault));
    await this.#page.addInitScript(inPage);
    this.#page.on("domcontentloaded", () => {
      this.#loads += 1;
    });
    this.#page.on("pageerror", (error) => this.#tell(`thrown: ${error.stack ?? error}`));
    this.#page.on("console", (message) => {
      const said = `${message.type()}: ${message.text()}`;
      this.#log.push(`${said} (${message.location().url})`);
      if (message.type() === "error" && !this.#isExpected(message.text())) {
        this.#faults.push(`${said} (${message.location().url})`);
      }
    });
  }

  #tell(fault) {
    this.#faults.push(fault);
    this.#log.push(fault);
  }

  /** Answers with these statuses are what the script is about. */
  expect(...statuses) {
    for (const status of statuses) {
      this.#expected.add(status);
    }
  }

  /** The page is about to be loaded anew by the script: of itself it never may. */
  expectLoad() {
    this.#loadsAsked += 1;
  }

  /** The server is taken away and comes back. */
  expectAbsence() {
    this.#mayBeAway = true;
    this.expect(502, 503);
  }

  /** What was asked for is done long after the input that asked: what that moves is no surprise. */
  expectMovement() {
    this.#mayMove = true;
  }

  #isExpected(text) {
    const status = NO_SUCCESS.exec(text)?.[1];
    return status ? this.#expected.has(Number(status)) : this.#mayBeAway && NOT_REACHED.test(text);
  }

  /** All that the page said. */
  get log() {
    return this.#log.join("\n");
  }

  /**
   * What was wrong since the page was loaded.
   *
   * @throws {Error} if anything was.
   */
  async check() {
    const shifts = await this.#page.evaluate(() => window.fleetwrightShifts ?? {});
    for (const [view, windows] of Object.entries(shifts)) {
      for (const { sum, what } of windows.filter(({ sum }) => sum >= SHIFT_MAX && !this.#mayMove)) {
        this.#faults.push(`${view} moves by itself, ${sum.toFixed(3)}: ${what.join("; ")}`);
      }
    }
    if (this.#loads !== this.#loadsAsked) {
      this.#faults.push(`loaded ${this.#loads} times, and by the script ${this.#loadsAsked} times`);
      this.#loads = this.#loadsAsked;
    }
    const faults = this.#faults;
    this.#faults = [];
    if (faults.length > 0) {
      throw new Error(`the page is at fault:\n  ${faults.join("\n  ")}`);
    }
  }
}
