import { addValue } from "./stage/new-update.mjs";
import { play } from "./stage/play.mjs";
import { pressSignedOut } from "./stage/session.mjs";

/** The forms besides that of one device's value, by what is typed and what comes of it. */
function formsOf({ text, facts }) {
  const { enrolment, newUpdate, organizations, parts, presets, projects, users, webhooks } = text;
  const { name, property, value } = facts;
  const of = (view, more = "") => `/ui/${view}?project=demo${more}`;
  return [
    {
      at: of("organizations"),
      press: organizations.create,
      typed: { [organizations.path]: `north/${name}` },
      send: parts.create,
      done: organizations.created(`north/${name}`),
    },
    {
      at: of("presets", "&tab=new"),
      typed: { [presets.name]: name, [presets.description]: "For the night." },
      asked: [property, value],
      send: presets.make,
      done: presets.saved(name),
    },
    {
      at: of("webhooks"),
      press: webhooks.create,
      typed: { [webhooks.url]: `https://alerts.example.com/${name}` },
      send: parts.create,
      done: webhooks.createdTitle,
    },
    {
      at: of("users"),
      press: users.create,
      typed: { [users.name]: name, [users.password]: "a password of hers" },
      send: parts.create,
      done: users.created(name),
    },
    {
      at: of("users", `&id=${name}`),
      press: users.createToken,
      typed: { [users.tokenName]: name },
      send: parts.create,
      done: users.tokenMade,
    },
    {
      at: of("projects/demo"),
      typed: { [projects.name]: name, [projects.description]: "Phones and cameras." },
      send: parts.save,
      done: projects.saved,
    },
    {
      at: of("enrolment"),
      press: enrolment.openIt,
      typed: { [enrolment.prefixes]: facts.prefix, [enrolment.password]: "shared by all" },
      send: enrolment.openIt,
      done: enrolment.opened,
    },
    {
      at: of("updates/new", "&kind=phone"),
      asked: [property, value],
      typed: {},
      send: newUpdate.dryRunButton,
      done: newUpdate.startCount(facts.devices),
    },
  ];
}

// In one form after the other the session ends before what was typed is sent: it is there still when
// somebody has signed in again, and goes through.
await play(async (stage) => {
  const { page, text, given, watch } = stage;
  // A project that nobody has opened for enrolment has no terms.
  watch.expect(404);
  await stage.signIn("/ui/overview");
  for (const { at, press, typed, asked, send, done } of formsOf(stage)) {
    stage.to(`${at}: typing`);
    await stage.open(at);
    if (press) {
      await stage.button(press).click();
    }
    const form = page.locator(press ? "dialog[open]" : "main");
    if (asked) {
      await addValue({ page, text, button: (name) => stage.button(name) }, ...asked);
    }
    const fields = Object.entries({ ...typed, ...(asked && { [asked[0]]: asked[1] }) });
    for (const [label, value] of Object.entries(typed)) {
      await form.getByLabel(label, { exact: true }).fill(value);
    }
    await stage.ask("end-session");
    stage.to(`${at}: signing in again`);
    const submit = stage.button(send, form).first();
    const { dialog, isPressed } = await pressSignedOut(stage, submit);
    for (const [label, value] of fields) {
      const field = form.getByLabel(label, { exact: true }).first();
      if ((await field.inputValue()) !== value) {
        throw new Error(`what was typed as ${label} is gone`);
      }
    }
    await stage.enter(given.user, given.password, dialog);
    await dialog.waitFor({ state: "detached" });
    if (!isPressed) {
      await submit.click();
    }
    stage.to(`${at}: what was typed to go through`);
    await page.getByText(done, { exact: true }).first().waitFor();
  }
});
