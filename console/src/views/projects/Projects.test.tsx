import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { show } from "../stage";
import { Projects } from "./Projects";

/** A server that has every project that is to be made; the API's client keeps what `fetch` is. */
vi.hoisted(() => {
  globalThis.fetch = async (given) =>
    (given as Request).method === "POST"
      ? Response.json({ code: "exists", detail: "project p exists already" }, { status: 409 })
      : Response.json({ projects: [] });
});

const { projects: text, parts } = messages.en;

afterEach(cleanup);

it("says at the id what is wrong with it, whoever finds it out", async () => {
  show(<Projects />);
  fireEvent.click(await screen.findByRole("button", { name: text.create }));
  const [name, id] = [text.name, text.id].map((label) => screen.getByLabelText(label));
  const create = screen.getByRole<HTMLButtonElement>("button", { name: parts.create });
  const type = (field: HTMLElement | undefined, value: string) =>
    field && fireEvent.change(field, { target: { value } });
  const fault = () => {
    const at = id?.getAttribute("aria-describedby")?.split(" ") ?? [];
    const error = at.find((part) => part.endsWith("-error"));
    return error && document.getElementById(error)?.textContent;
  };
  type(name, "P");
  for (const wrong of ["a/b", "..", "a b", "项目", "p".repeat(65)]) {
    type(id, wrong);
    expect([wrong, fault(), create.disabled]).toEqual([wrong, text.idHint, true]);
  }
  type(id, "p");
  expect([fault(), create.disabled]).toEqual([undefined, false]);
  fireEvent.click(create);
  await screen.findByText("project p exists already");
  expect(fault()).toBe("project p exists already");
  type(id, "p2");
  expect(fault()).toBe(undefined);
});
