export const registrations = {
  title: "Refused registrations",
  note: "Cameras that tried to register and were refused: the last 1,000 since the server started, each id and host once for a reason.",
  none: "No registration has been refused since the server started. If a camera does not come and is not listed here, nothing arrives from it: check the address, the port and the firewall.",
  noneOfReason: "None for this reason any more.",
  adminOnly: "Only an administrator of the server may see refused registrations.",
  reasons: "Why, and what to do",
  list: "Refused registrations, the last one first",
  showAll: "Show all",
  showing: (count: string) => `${count} shown`,
  of: (count: string, total: string) => `${count} of ${total} shown`,
  cameras: (count: string) => (count === "1" ? "1 camera" : `${count} cameras`),
  columns: {
    id: "Id as given",
    why: "Why",
    from: "From",
    count: "Times",
    last: "Last",
  },
  times: (count: string) => `${count}×`,
  find: (id: string) => `Find ${id} among the devices`,
  advice: {
    unknown_id:
      "Correct the device id in the camera, put the camera on record by an import, or open enrolment for it.",
    no_password: "Give the device a password, and type the same into the camera.",
    wrong_user:
      "The detail has the user name that the camera sent: correct it in the camera, or change the record's user.",
    wrong_realm: "Set the camera's realm or domain to the server's sip.realm.",
    wrong_digest: "Type the password on record into the camera, or change the one on record.",
    stale_nonce:
      "Nothing, if it happens now and then. If always, the camera answers old challenges: check its clock and its link.",
    malformed: "Update the camera's firmware: what it sends can't be read.",
    pending: "It has shown the shared password and waits: accept or reject it in Enrolment.",
  },
};
