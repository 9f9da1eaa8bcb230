import { join } from "node:path";
import { play } from "./stage/play.mjs";

/** The size of a picture: that of a small desk, so that it can be read where it is shown smaller. */
const SIZE = { width: 1200, height: 720 };

// Takes the pictures of the documentation.
await play(async (stage) => {
  const { page, text, facts } = stage;
  const take = async (name) => {
    await stage.settled();
    await page.screenshot({ path: join(facts.folder, name) });
  };
  await page.setViewportSize(SIZE);
  await stage.signIn(`/ui/overview?project=${facts.project}`);
  await take(facts.overview);

  await stage.open(`/ui/devices?project=${facts.project}&attention=any`);
  await page.getByRole("table", { name: text.devices.list }).getByRole("link").first().waitFor();
  await take(facts.devices);

  await stage.open(`/ui/devices/${facts.project}/${facts.phone}`);
  await page.getByRole("row").nth(1).waitFor();
  await take(facts.device);
});
