import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { show } from "../stage";
import { PropertyPicker } from "./PropertyPicker";

/** The catalogue that the server has; the API's client keeps what `fetch` is when it is loaded. */
vi.hoisted(() => {
  const property = (name: string, updatable: boolean, aliases: string[] = []) => ({
    name,
    aliases,
    updatable,
    device_kind: "phone",
    kind: "text",
    meaning: `the ${name}`,
    allows: "a text",
    timing: "at_once",
  });
  globalThis.fetch = async () =>
    Response.json({
      properties: [
        property("state", false),
        property("state.wanted", true),
        property("wm.density", true, ["density"]),
      ],
    });
});

const { newUpdate: text, parts } = messages.en;

/** Types a text and presses Enter; gives what was picked. */
async function picked(typed: string, taken: string[] = []): Promise<unknown[][]> {
  const onPick = vi.fn();
  show(
    <PropertyPicker
      kind="phone"
      taken={new Set(taken)}
      hasOwnNames
      onPick={onPick}
      onClose={() => {}}
    />,
  );
  const field = await screen.findByLabelText(text.find);
  fireEvent.change(field, { target: { value: typed } });
  fireEvent.keyDown(field, { key: "Enter" });
  cleanup();
  return onPick.mock.calls;
}

afterEach(cleanup);

it("takes the one that is meant, if it can be asked for", async () => {
  expect(await picked("density")).toEqual([["wm.density"]]);
  expect(await picked("state")).toEqual([["state.wanted"]]);
  expect(await picked("density", ["wm.density"])).toEqual([]);
  expect(await picked("my.own")).toEqual([["my.own"]]);
});

it("can be left without a keyboard", async () => {
  const onClose = vi.fn();
  show(
    <PropertyPicker
      kind="phone"
      taken={new Set()}
      hasOwnNames
      onPick={() => {}}
      onClose={onClose}
    />,
  );
  fireEvent.click(await screen.findByRole("button", { name: parts.cancel }));
  expect(onClose).toHaveBeenCalled();
});
