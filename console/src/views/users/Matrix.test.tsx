import { cleanup, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { show } from "../stage";
import { Matrix } from "./Matrix";

/** A server that can't tell who has a role in one of the projects. */
vi.hoisted(() => {
  globalThis.fetch = async (given) =>
    (given as Request).url.includes("/projects/lost/")
      ? Response.json({ code: "internal", detail: "out of order" }, { status: 500 })
      : Response.json({ grants: [{ user: "ben", role: "viewer", of_project: true }] });
});

const { users: text } = messages.en;

afterEach(cleanup);

it("does not show as without a role whose roles could not be read", async () => {
  show(<Matrix users={[]} projects={["lost", "kept"]} />);
  const select = await screen.findByLabelText<HTMLSelectElement>(text.roleOf("ben", "kept"));
  expect(select.value).toBe("viewer");
  screen.getByText("out of order");
  expect(screen.queryByLabelText(text.roleOf("ben", "lost"))).toBeNull();
  expect(screen.getAllByRole("columnheader").map((each) => each.textContent)).toEqual([
    text.user,
    "kept",
  ]);
});
