import { expect, test } from "vitest";
import {
  above,
  find,
  fitsAt,
  linesOf,
  movedPath,
  type Organization,
  stepOf,
  treeOf,
  within,
} from "./tree";

const of = (path: string): Organization => ({
  id: `id ${path}`,
  path,
  created_at: "",
  updated_at: "",
});

test("a tree has a place for what is only a part of a path", () => {
  const tree = treeOf([of("a/b/c"), of("a-b"), of("a/d"), of("a")]);
  expect(tree.map((place) => place.path)).toEqual(["a", "a-b"]);
  expect(find(tree, "a")?.organization?.id).toBe("id a");
  expect(find(tree, "a/b")?.organization).toBeUndefined();
  expect(find(tree, "a/b/c")?.level).toBe(3);
  expect(find(tree, "a/x")).toBeUndefined();
});

test("what is below a closed place is not drawn", () => {
  const tree = treeOf([of("a/b/c"), of("a/d"), of("e")]);
  const paths = (open: string[]) => linesOf(tree, new Set(open)).map((line) => line.place.path);
  expect(paths([])).toEqual(["a", "e"]);
  expect(paths(["a"])).toEqual(["a", "a/b", "a/d", "e"]);
  expect(paths(["a/b"])).toEqual(["a", "e"]);
  expect(linesOf(tree, new Set(["a"])).map((line) => [line.position, line.among])).toEqual([
    [1, 2],
    [1, 2],
    [2, 2],
    [2, 2],
  ]);
});

test("those below go along when one is moved, the upper ones first", () => {
  const tree = treeOf([of("a"), of("a/b"), of("a/b/c"), of("ab")]);
  const place = find(tree, "a");
  const paths = place ? within(place).map((each) => movedPath(each.path, "a", "x/y")) : [];
  expect(paths).toEqual(["x/y", "x/y/b", "x/y/b/c"]);
  expect(above("a/b/c")).toEqual(["a", "a/b"]);
});

test("arrow keys go, open and close as in any tree", () => {
  const tree = treeOf([of("a/b"), of("c")]);
  const closed = linesOf(tree, new Set());
  expect(stepOf("ArrowRight", closed, 0)).toEqual({ does: "open", path: "a" });
  expect(stepOf("ArrowRight", closed, 1)).toBeUndefined();
  expect(stepOf("ArrowUp", closed, 0)).toBeUndefined();
  const open = linesOf(tree, new Set(["a"]));
  expect(stepOf("ArrowRight", open, 0)).toEqual({ does: "go", path: "a/b" });
  expect(stepOf("ArrowLeft", open, 1)).toEqual({ does: "go", path: "a" });
  expect(stepOf("ArrowLeft", open, 0)).toEqual({ does: "close", path: "a" });
  expect(stepOf("End", open, 0)).toEqual({ does: "go", path: "c" });
  expect(stepOf(" ", open, 2)).toEqual({ does: "choose", path: "c" });
});

test("a move is none where something below would stand too deep", () => {
  expect(fitsAt(["a", "a/b", "a/b/c"], "a", "x/y")).toBe(true);
  expect(fitsAt(["a", "a/b", "a/b/c"], "a", "x/y/z")).toBe(false);
  expect(fitsAt(["a"], "a", "w/x/y/z")).toBe(true);
});
