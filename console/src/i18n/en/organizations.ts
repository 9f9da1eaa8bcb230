export const organizations = {
  title: "Organizations",
  note: "Where cameras and channels are filed: paths of up to four names.",
  tree: "Organizations of the project",
  create: "Create organization",
  createBelow: "Create one below",
  createTitle: "Create an organization",
  path: "Path",
  pathHint: "One to four names of 1 to 64 characters, joined by /, such as north/gate 3.",
  created: (path: string) => `${path} was created.`,
  empty:
    "No organization yet. Create one here, or file cameras under a path in an import or an update: what is missing is made.",
  emptyForOthers:
    "No organization yet. The project's administrators create them; an import or an update that files cameras under a path makes what is missing.",
  choose: "Choose an organization to see what can be done with it.",
  loaded: (shown: string, total: string) => `${shown} of ${total} loaded`,
  loadMore: "Load more",
  id: "Id",
  made: "Created",
  changed: "Changed",
  below: "Organizations below it",
  implied: "This is only a part of longer paths: it is no organization itself.",
  makeIt: "Make it one",
  toDevices: "Show the cameras filed here and below",
  toPasswords: "Rotate their passwords",
  move: "Rename or move",
  moveTitle: (path: string) => `Rename or move ${path}`,
  moveWith: (count: string) =>
    count === "1"
      ? "Take the organization below it along"
      : `Take the ${count} organizations below it along`,
  moveHint:
    "What is filed stays filed, and ids stay. Without those below, they keep their old paths.",
  moveNotWhole:
    "Not all organizations are loaded. Load the rest first, and those below it can be taken along.",
  tooDeep: "A path has at most four names: here, or below it, there would be more.",
  moving: (done: string, all: string) => `${done} of ${all} moved`,
  moved: (path: string) => `It is ${path} now.`,
  movedPart: (done: string, all: string, path: string) =>
    `${done} of ${all} were moved; ${path} could not be:`,
  remove: "Delete",
  removeTitle: (path: string) => `Delete ${path}?`,
  removeWhat: "Only an organization in which nothing is filed can be deleted. Those below it stay.",
  removed: (path: string) => `${path} is deleted.`,
  gone: "There is no organization of this path among those loaded.",
};
