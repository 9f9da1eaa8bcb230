import { play } from "./stage/play.mjs";

// What a browser that has nothing yet loads before it shows the first view: the page, its scripts and
// its styles, as they come over the line.
await play(async (stage) => {
  const { page, facts } = stage;
  const loads = [];
  page.on("requestfinished", (request) => {
    const { pathname } = new URL(request.url());
    if (!pathname.startsWith("/api/")) {
      loads.push(request.sizes().then(({ responseBodySize }) => [pathname, responseBodySize]));
    }
  });
  await stage.signIn("/ui/overview");
  await stage.settled();
  const sizes = await Promise.all(loads);
  const told = sizes.map(([path, bytes]) => `${bytes} ${path}`).join("\n  ");
  const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
  if (!sizes.some(([path]) => path.startsWith("/assets/Overview"))) {
    throw new Error(`the view is not among what was loaded:\n  ${told}`);
  }
  if (total > facts.bytes) {
    throw new Error(`${total} bytes are loaded, over ${facts.bytes}:\n  ${told}`);
  }
});
