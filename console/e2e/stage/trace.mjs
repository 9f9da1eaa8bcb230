/** What a trace is asked to hold: the tasks of each thread, and the names of the threads. */
const CATEGORIES = ["toplevel", "disabled-by-default-devtools.timeline"];

/** A task of a thread, as Chromium's traces call it. */
const TASKS = new Set(["RunTask", "ThreadControllerImpl::RunTask"]);

/** The thread that a page's scripts, layout and painting run on. */
const MAIN_THREAD = "CrRendererMain";

/**
 * Traces the browser while `act` runs. Gives how many tasks the page's main thread ran, and how
 * long the longest took, in milliseconds.
 */
export async function traced(browser, act) {
  const session = await browser.newBrowserCDPSession();
  const names = new Map();
  const tasks = [];
  session.on("Tracing.dataCollected", ({ value }) => {
    // Only what is needed is kept: a trace of some seconds has hundreds of megabytes.
    for (const { name, pid, tid, dur, args } of value) {
      if (name === "thread_name") {
        names.set(`${pid}/${tid}`, args.name);
      } else if (TASKS.has(name) && dur !== undefined) {
        tasks.push({ thread: `${pid}/${tid}`, ms: dur / 1_000 });
      }
    }
  });
  await session.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { recordMode: "recordContinuously", includedCategories: CATEGORIES },
  });
  let isWhole = false;
  try {
    await act();
  } finally {
    const complete = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
    await session.send("Tracing.end");
    isWhole = !(await complete).dataLossOccurred;
    await session.detach();
  }
  if (!isWhole) {
    throw new Error("the browser has lost a part of the trace");
  }
  const own = tasks.filter(({ thread }) => names.get(thread) === MAIN_THREAD).map(({ ms }) => ms);
  if (own.length === 0) {
    throw new Error("the trace holds no task of the page");
  }
  return { count: own.length, longest: own.reduce((most, ms) => Math.max(most, ms), 0) };
}

/**
 * How much memory the page holds once what is garbage is gone, in bytes: its scripts' own, that of
 * the elements that they hold, drawn or not, and that of their buffers.
 */
export async function heapOf(page) {
  const session = await page.context().newCDPSession(page);
  // The first collection may leave what only a finalizer lets go.
  await session.send("HeapProfiler.collectGarbage");
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, embedderHeapUsedSize, backingStorageSize } =
    await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize + embedderHeapUsedSize + backingStorageSize;
}

/** Counts the events that reach the page by its stream; gives what tells how many. */
export async function eventsOf(page) {
  const session = await page.context().newCDPSession(page);
  let count = 0;
  session.on("Network.eventSourceMessageReceived", () => {
    count += 1;
  });
  await session.send("Network.enable", { maxTotalBufferSize: 0, maxResourceBufferSize: 0 });
  return () => count;
}
