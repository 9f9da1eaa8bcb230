/** So many cameras, the number as it is written. */
const cameras = (count: string) => `${count} ${count === "1" ? "camera" : "cameras"}`;

/** So many passwords. */
const passwordsOf = (count: string) => `${count} ${count === "1" ? "password" : "passwords"}`;

export const passwords = {
  title: "Password rotation",
  note: "Cameras get new passwords here, and in the camera by hand or by its maker's tool. Until then the old one works as long as the overlap lasts.",
  progress: "How far it is",
  current: "Use the current one",
  old: "Still use the old one",
  not_renewed: "Not registered since the change",
  offline: "Not registered",
  overlapUntil: "The last overlap ends",
  noOverlap: "No old password works any more.",
  none: "There are no cameras in this project.",
  cameras: "Cameras",
  show: "Show",
  all: "All",
  inOrganization: "Organization",
  organizationHint: "Its path: those below it are meant as well.",
  find: "Find",
  findHint: "Part of the id, the name or the address",
  camera: "Camera",
  name: "Name",
  status: "Status",
  uses: "Uses",
  use: {
    current: "Current",
    old: "Old",
    not_renewed: "Not since",
    offline: "Offline",
  },
  noPassword: "No password",
  changed: "Changed",
  until: "Old works until",
  expired: "over",
  listed: (count: string, hasMore: boolean) =>
    hasMore ? `${cameras(count)} loaded, there are more` : cameras(count),
  emptyList: "No camera is like that.",
  rotate: (count: string) => `Rotate ${count} chosen`,
  rotateAll: "Rotate all that are listed",
  rotateList: "Rotate a list",
  collecting: "Collecting the cameras",
  collected: (count: string) => `${count} found`,
  tooMany: (max: string) => `More than ${max} cameras are meant. Narrow the list.`,
  listTitle: "Which cameras?",
  list: "Ids, one a line",
  listHint:
    "Behind an id may stand, after a comma or a tab, the password that the camera has got or will get. Without one it is made.",
  listFile: "Or a CSV file of such lines:",
  unreadable: "This file can't be read, or is larger than 4 MiB.",
  found: (count: string, given: string) =>
    `${cameras(count)}, ${given} with a password of their own`,
  wrongLines: (count: string) =>
    count === "1"
      ? "1 line is no camera's id of 20 digits:"
      : `${count} lines are no camera's id of 20 digits:`,
  twice: (count: string) =>
    count === "1"
      ? "1 id stands here twice; the last line counts."
      : `${count} ids stand here twice; the last line counts.`,
  next: "Next",
  back: "Back",
  termsTitle: (count: string) => `Rotate the passwords of ${cameras(count)}`,
  overlap: "The old ones go on working for so many hours",
  overlapHint:
    "0 to 720. With 0 each camera is refused from its next registration until it has the new one.",
  overlapNone: "Without an overlap every camera that is not changed at once goes offline.",
  second: "A rotation that still runs for one of them ends: one old password works, not two.",
  make: "Make passwords",
  madeTitle: "Keep the passwords",
  madeWhat:
    "Nothing has been changed yet. Download the passwords first: they are made in this browser and kept nowhere else.",
  givenOnly: "All passwords are your own; nothing has been made.",
  begin: (count: string) => `Set ${passwordsOf(count)}`,
  runningTitle: "The passwords are being set",
  doneTitle: "The passwords are set",
  stoppedTitle: "Not all passwords are set",
  done: (done: string, all: string) => `${done} of ${all} set`,
  failed: (count: string) => `${count} could not be set:`,
  saveFailed: "Download these",
  afterwards:
    "Now put them into the cameras before the overlap ends. How far it is stands above the list.",
  leaveWhat: (count: string) =>
    count === "1"
      ? "1 password is not set. It stays as it was."
      : `${count} passwords are not set. They stay as they were.`,
  readOnly: "You need the role operator to rotate passwords.",
};
