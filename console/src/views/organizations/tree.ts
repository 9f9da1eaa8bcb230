import type { components } from "../../api/schema";

export type Organization = components["schemas"]["Organization"];

/** The most names that a path has. */
export const LEVELS_MAX = 4;

/** A place in the tree: an organization, or what is only a part of longer paths. */
export type Place = {
  path: string;
  name: string;
  /** From 1. */
  level: number;
  organization: Organization | undefined;
  children: Place[];
};

/** A place that is drawn, with where it stands among its neighbours. */
export type Line = { place: Place; isOpen: boolean; position: number; among: number };

/** Makes a tree of organizations, whose paths say where each stands. */
export function treeOf(organizations: readonly Organization[]): Place[] {
  const roots: Place[] = [];
  const places = new Map<string, Place>();
  const at = (names: readonly string[]): Place => {
    const path = names.join("/");
    const known = places.get(path);
    if (known) {
      return known;
    }
    const place: Place = {
      path,
      name: names.at(-1) ?? "",
      level: names.length,
      organization: undefined,
      children: [],
    };
    places.set(path, place);
    (names.length > 1 ? at(names.slice(0, -1)).children : roots).push(place);
    return place;
  };
  for (const organization of organizations) {
    at(organization.path.split("/")).organization = organization;
  }
  return roots;
}

/** The places that are drawn: what is below a closed one is not. */
export function linesOf(places: readonly Place[], open: ReadonlySet<string>): Line[] {
  return places.flatMap((place, index) => {
    const isOpen = place.children.length > 0 && open.has(place.path);
    const line = { place, isOpen, position: index + 1, among: places.length };
    return isOpen ? [line, ...linesOf(place.children, open)] : [line];
  });
}

/** The place of a path. */
export function find(places: readonly Place[], path: string): Place | undefined {
  for (const place of places) {
    if (place.path === path) {
      return place;
    }
    if (path.startsWith(`${place.path}/`)) {
      return find(place.children, path);
    }
  }
  return undefined;
}

/** The organizations at a place and below it, the upper ones first. */
export function within(place: Place): Organization[] {
  const own = place.organization ? [place.organization] : [];
  return [...own, ...place.children.flatMap(within)];
}

/** The paths above a path, the first level first. */
export function above(path: string): string[] {
  const names = path.split("/");
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join("/"));
}

/** Where what is at `path`, at `from` or below it, stands once `from` is `to`. */
export function movedPath(path: string, from: string, to: string): string {
  return path === from ? to : `${to}${path.slice(from.length)}`;
}

/** Whether each of the paths has no more names than a path may, once `from` is `to`. */
export function fitsAt(paths: readonly string[], from: string, to: string): boolean {
  return paths.every((path) => movedPath(path, from, to).split("/").length <= LEVELS_MAX);
}

/** What a key does in the tree. */
export type Step = { does: "go" | "open" | "close" | "choose"; path: string };

/** What `key` does where the line `at` is the active one; undefined for nothing. */
export function stepOf(key: string, lines: readonly Line[], at: number): Step | undefined {
  const line = lines[at];
  if (!line) {
    return undefined;
  }
  const { path, children } = line.place;
  const go = (to: Line | undefined): Step | undefined => to && { does: "go", path: to.place.path };
  switch (key) {
    case "ArrowDown":
      return go(lines[at + 1]);
    case "ArrowUp":
      return go(lines[at - 1]);
    case "Home":
      return go(lines[0]);
    case "End":
      return go(lines.at(-1));
    case "ArrowRight":
      if (line.isOpen) {
        return go(lines[at + 1]);
      }
      return children.length > 0 ? { does: "open", path } : undefined;
    case "ArrowLeft": {
      const parent = above(path).at(-1);
      return line.isOpen
        ? { does: "close", path }
        : go(lines.find((each) => each.place.path === parent));
    }
    case "Enter":
    case " ":
      return { does: "choose", path };
    default:
      return undefined;
  }
}
