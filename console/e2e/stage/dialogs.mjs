/**
 * Every dialog that a press leads to, by the address of its view: the names of what is pressed, one
 * after the other. `looks` lists those that change nothing and are open to whoever may look.
 */
export function dialogsOf({ text, facts }) {
  const { audit, cluster, device, devices, enrolment, keys, newUpdate, organizations } = text;
  const { parts, passwords, presets, projects, update, users, webhooks } = text;
  const of = (view, more = "") => `/ui/${view}?project=${facts.project}${more}`;
  const ofPhone = `devices/${facts.project}/${facts.phone}`;
  return [
    { at: of("projects"), acts: [[projects.create]] },
    { at: of(`projects/${facts.empty}`), acts: [[projects.remove]] },
    { at: of("users"), acts: [[users.create]] },
    {
      at: of("users", `&id=${facts.user}`),
      acts: [
        [users.setPassword],
        [users.disable],
        [users.createToken],
        [`${users.revoke} ${facts.token}`],
      ],
    },
    { at: of("audit"), acts: [[audit.action["update.create"]]] },
    { at: of("presets", `&preset=${facts.preset}`), acts: [[presets.remove]] },
    { at: of("passwords"), acts: [[passwords.rotateAll], [passwords.rotateList]] },
    { at: of("organizations"), acts: [[organizations.create]] },
    {
      at: of("organizations", `&organization=${facts.organization}`),
      acts: [[organizations.createBelow], [organizations.move], [organizations.remove]],
    },
    { at: of("webhooks"), acts: [[webhooks.create]] },
    { at: of("webhooks", `&id=${facts.webhook}`), acts: [[webhooks.edit], [webhooks.remove]] },
    { at: of("keys"), acts: [[keys.create], [`${keys.revoke} ${facts.key}`]] },
    {
      at: of("enrolment"),
      acts: [
        [enrolment.changeIt],
        [enrolment.closeIt],
        [enrolment.acceptAll],
        [enrolment.rejectAll],
      ],
    },
    {
      at: of("cluster"),
      acts: [[cluster.pause], [cluster.backUp, new RegExp(`^${cluster.remove} `)]],
    },
    { at: of(`updates/${facts.paused}`), acts: [[update.resume], [update.abort], [update.revert]] },
    { at: of("updates/new", "&kind=phone"), acts: [[newUpdate.addValue]] },
    {
      at: of("devices", "&kind=phone"),
      // All are chosen still when the first dialog is closed.
      acts: [[devices.allMatching, devices.restart], [devices.freeze]],
    },
    {
      at: of("devices", `&kind=phone&text=${facts.phone}`),
      acts: [[parts.selectAll, devices.freeze]],
    },
    {
      at: of(ofPhone),
      acts: [
        [device.restart],
        [device.more, device.adopt],
        [device.more, device.markStopped],
        [device.more, device.remove],
      ],
    },
    {
      at: of(ofPhone, "&tab=history"),
      acts: [[device.undoLast]],
      looks: [[device.detailsOf("1")]],
    },
    {
      at: of(`devices/${facts.project}/${facts.camera}`),
      acts: [[device.changeCredentials]],
    },
    {
      at: of(`devices/${facts.project}/${facts.recorder}`, "&tab=channels"),
      acts: [[device.renameOf(facts.channel)]],
    },
  ];
}
