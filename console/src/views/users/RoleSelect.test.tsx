import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { RoleSelect } from "./RoleSelect";

/** What was asked of the server; the client of the API keeps what `fetch` is when it is loaded. */
const asked = vi.hoisted(() => {
  const asked: string[] = [];
  globalThis.fetch = async (given) => {
    const request = given as Request;
    asked.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`);
    return new Response(null, { status: 204 });
  };
  return asked;
});

const { users: text, parts } = messages.en;

/** Shows the role that ben has in the project. */
function show(role: string | undefined) {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <RoleSelect user="ben" project="50%" role={role} />
    </QueryClientProvider>,
  );
  return screen.getByLabelText<HTMLSelectElement>(text.roleOf("ben", "50%"));
}

const save = () => screen.queryByRole("button", { name: new RegExp(`^${parts.save}`) });

afterEach(() => {
  cleanup();
  asked.length = 0;
});

it("gives none of the roles that the arrow keys go through, but the one that is saved", async () => {
  const select = show(undefined);
  expect(save()).toBeNull();
  for (const value of ["viewer", "operator", "admin", "operator"]) {
    fireEvent.change(select, { target: { value } });
  }
  expect(asked).toEqual([]);
  fireEvent.click(save() as HTMLElement);
  await waitFor(() => expect(document.activeElement).toBe(select));
  expect(asked).toEqual(['PUT /api/v1/users/ben/grants/50%25 {"role":"operator"}']);
});

it("takes the role away where none is saved, and asks nothing where it is as it was", async () => {
  const select = show("admin");
  fireEvent.change(select, { target: { value: "" } });
  fireEvent.change(select, { target: { value: "admin" } });
  expect(save()).toBeNull();
  fireEvent.change(select, { target: { value: "" } });
  fireEvent.click(save() as HTMLElement);
  await waitFor(() => expect(asked).toEqual(["DELETE /api/v1/users/ben/grants/50%25 "]));
});
