import { play } from "./stage/play.mjs";
import { pressSignedOut } from "./stage/session.mjs";

// The session is ended while a value is half typed: signing in again, in a dialog over the page,
// leaves it as it was, and it goes through.
await play(async (stage) => {
  const { page, text, given, facts } = stage;
  await stage.signIn(`/ui/devices/demo/${facts.phone}`);
  stage.to("typing");
  await stage.button(text.device.setProperty).click();
  const name = page.getByLabel(text.device.property, { exact: true });
  const value = page.getByLabel(text.device.value, { exact: true });
  await name.fill(facts.property);
  const half = Math.floor(facts.value.length / 2);
  await value.pressSequentially(facts.value.slice(0, half));

  stage.to("the end of the session");
  await stage.ask("end-session");
  await value.pressSequentially(facts.value.slice(half));
  const set = stage.button(text.device.set);
  const { dialog, isPressed } = await pressSignedOut(stage, set);
  await dialog.getByText(text.signIn.againWhy).waitFor();
  await stage.checkAccess("dialog[open]");

  stage.to("the wrong password in the dialog");
  await stage.enter(given.user, "not the password", dialog);
  await dialog.getByRole("alert").waitFor();

  stage.to("signing in again");
  await stage.enter(given.user, given.password, dialog);
  await dialog.waitFor({ state: "detached" });
  if (!isPressed) {
    await set.click();
  }
  await value.waitFor({ state: "detached" });

  stage.to("the value on the device");
  const row = page.getByRole("row").filter({ hasText: facts.property });
  await row.getByText(text.states.value.shown, { exact: true }).waitFor();
  await row.getByText(facts.value, { exact: true }).first().waitFor();
});
