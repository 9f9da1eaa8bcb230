import { expect, test } from "vitest";
import { rolesOf } from "./holders";

const user = (name: string, disabled_at?: string) => ({
  name,
  id: name,
  project: "a",
  created_at: "",
  disabled_at,
  has_namesake: false,
});
const holder = (name: string, role: string, of_project: boolean, disabled_at?: string) => ({
  user: name,
  role,
  of_project,
  disabled_at,
});

test("who has a role is listed with who has an account, once each", () => {
  const roles = rolesOf(
    [user("zoe"), user("ben"), user("gone", "2026-01-01T00:00:00Z")],
    [
      { project: "a", holders: [holder("ben", "admin", true), holder("eve", "viewer", false)] },
      { project: "b", holders: [holder("ben", "viewer", false), holder("eve", "operator", false)] },
    ],
  );
  expect(roles).toEqual([
    { name: "ben", isForeign: false, roles: { a: "admin", b: "viewer" } },
    { name: "eve", isForeign: true, roles: { a: "viewer", b: "operator" } },
    { name: "zoe", isForeign: false, roles: {} },
  ]);
});

test("who is disabled is not, and an own account is told by any of the projects", () => {
  const roles = rolesOf(
    [],
    [
      { project: "a", holders: [holder("gone", "admin", true, "2026-01-01T00:00:00Z")] },
      { project: "b", holders: [holder("ada", "viewer", false)] },
      { project: "c", holders: [holder("ada", "viewer", true)] },
    ],
  );
  expect(roles).toEqual([{ name: "ada", isForeign: false, roles: { b: "viewer", c: "viewer" } }]);
});
