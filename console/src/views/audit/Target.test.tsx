import { cleanup, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { show } from "../stage";
import { Target } from "./Target";

afterEach(cleanup);

it.each([
  ["update.pause", "01a2", "/ui/updates/01a2?project=p"],
  ["user.grant", "ada", "/ui/users?project=p&id=ada"],
  ["device.rename", "3402", "/ui/devices/q/3402?project=p"],
  ["device.import", "250 devices", null],
  ["key.revoke", "AK1", null],
  ["update.cancel", "", null],
])("leads from %s to what it was done to, if that has a view", async (action, target, href) => {
  show(
    <>
      <Target act={{ action, target, project: "q" }} />
      <output />
    </>,
    "/?project=p",
  );
  await screen.findByRole("status");
  expect(screen.queryByRole("link")?.getAttribute("href") ?? null).toBe(href);
});
