import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { Language } from "../i18n";
import { language } from "../i18n/language";
import { messages } from "../i18n/messages";
import { Dialog } from "../parts/Dialog";
import { show } from "../views/stage";
import { SignInForm, SignInPage } from "./SignIn";
import { theme } from "./theme";

afterEach(() => {
  cleanup();
  language.set("en");
  theme.set("system");
});

it("begins with the first field, or where the name is known with the password", async () => {
  const { unmount } = show(<SignInForm />);
  const { user, password } = messages.en.signIn;
  const field = await screen.findByLabelText(user);
  expect(document.activeElement).toBe(field);
  unmount();
  show(
    <Dialog title="again" onClose={() => {}}>
      <SignInForm before={{ user: "ada", server_admin: false, grants: [] }} />
    </Dialog>,
  );
  const secret = await screen.findByLabelText(password);
  expect(document.activeElement).toBe(secret);
});

it("is read in another language, and lighter or darker, before one has signed in", async () => {
  show(
    <Language>
      <SignInPage />
    </Language>,
  );
  const { zh, en } = messages;
  fireEvent.change(await screen.findByLabelText(en.shell.language), { target: { value: "zh" } });
  screen.getByRole("button", { name: zh.signIn.submit });
  expect(document.documentElement.lang).toBe("zh-CN");
  fireEvent.change(screen.getByLabelText(zh.shell.theme), { target: { value: "dark" } });
  expect(document.documentElement.dataset.theme).toBe("dark");
});
