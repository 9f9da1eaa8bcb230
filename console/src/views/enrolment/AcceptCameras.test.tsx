import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { show } from "../stage";
import { AcceptCameras } from "./AcceptCameras";

/** How often cameras were accepted: the first time with a password, and then there is none left. */
const server = vi.hoisted(() => {
  const server = { accepted: 0 };
  globalThis.fetch = async (given) => {
    const { method, url } = given as Request;
    if (method !== "POST") {
      return Response.json(url.includes("catalogue") ? { profiles: [] } : { projects: [] });
    }
    server.accepted += 1;
    const error = { code: "not_pending", detail: "no pending device has this id" };
    const device = server.accepted === 1 ? { password: "p-of-1" } : { error };
    return Response.json({ accepted: 1, devices: [{ id: "1", accepted: true, ...device }] });
  };
  return server;
});

const { enrolment: text, parts } = messages.en;

afterEach(cleanup);

it("accepts once, so that the passwords that were made are the ones that are shown", async () => {
  show(<AcceptCameras project="p" ids={["1"]} onClose={() => {}} />);
  const form = (await screen.findByRole("button", { name: text.acceptAction })).closest("form");
  fireEvent.submit(form as HTMLFormElement);
  fireEvent.submit(form as HTMLFormElement);
  await screen.findByRole("heading", { name: text.acceptedTitle("1") });
  await screen.findByText(parts.madePasswords("1"));
  expect(server.accepted).toBe(1);
});
