import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { type Credentials, signIn, type WhoAmI } from "../api/session";
import { useText } from "../i18n";
import { Button } from "../parts/Button";
import { TextField } from "../parts/Field";
import { Notice, useWhy } from "../parts/Notice";
import { useTitle } from "../parts/Page";
import { Preferences } from "./Preferences";

/** The form by which one signs in. It keeps what was typed when the server refuses. */
export function SignInForm({
  before,
  onTyped,
  onCancel,
}: {
  /** Who it was before, if the session has ended. */
  before?: WhoAmI | null;
  /** Told that something is typed. */
  onTyped?: () => void;
  onCancel?: () => void;
}) {
  const { signIn: text, parts } = useText();
  const why = useWhy();
  const client = useQueryClient();
  // The server's administrator has a token and no name.
  const [way, setWay] = useState<"password" | "token">(
    before && before.user === null ? "token" : "password",
  );
  const [user, setUser] = useState(before?.user ?? "");
  const [secret, setSecret] = useState("");
  const form = useRef<HTMLFormElement>(null);
  const first = before?.user ? "[name=password]" : "[name=user], [name=token]";
  // Where the typing begins, in a dialog as well, which gives the focus to what comes first in it.
  useEffect(() => form.current?.querySelector<HTMLElement>(first)?.focus(), [first]);
  const enter = useMutation({
    mutationFn: (credentials: Credentials) => signIn(credentials, client),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    // A token is copied with the line's end or a space around it now and then.
    enter.mutate(way === "token" ? { token: secret.trim() } : { user, password: secret });
  };
  return (
    <form ref={form} className="column" onSubmit={submit} onInput={onTyped} aria-label={text.title}>
      {!window.isSecureContext && <Notice tone="warn">{text.insecure}</Notice>}
      <fieldset className="sign-in-ways">
        <legend className="heard">{text.title}</legend>
        {(["password", "token"] as const).map((each) => (
          <label key={each} className="check">
            <input
              type="radio"
              name="way"
              checked={way === each}
              onChange={() => {
                setWay(each);
                setSecret("");
                enter.reset();
              }}
            />
            <span>{each === "password" ? text.byPassword : text.byToken}</span>
          </label>
        ))}
      </fieldset>
      {way === "password" ? (
        <>
          <TextField
            label={text.user}
            name="user"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            value={user}
            onChange={(event) => setUser(event.target.value)}
          />
          <TextField
            label={text.password}
            name="password"
            type="password"
            autoComplete="current-password"
            required
            value={secret}
            onChange={(event) => setSecret(event.target.value)}
          />
        </>
      ) : (
        <TextField
          label={text.token}
          hint={text.tokenHint}
          name="token"
          type="password"
          required
          value={secret}
          onChange={(event) => setSecret(event.target.value)}
        />
      )}
      {enter.isError && <Notice tone="bad">{why(enter.error)}</Notice>}
      <div className="dialog-actions">
        {onCancel && <Button onClick={onCancel}>{parts.cancel}</Button>}
        <Button kind="primary" type="submit" isBusy={enter.isPending}>
          {text.submit}
        </Button>
      </div>
    </form>
  );
}

/** The page by which one signs in. */
export function SignInPage() {
  const { signIn: text, shell } = useText();
  useTitle(text.title);
  return (
    <main className="sign-in">
      <div className="card">
        <h1>
          {shell.name} · {text.title}
        </h1>
        <SignInForm />
      </div>
      {/* The browser may be somebody else's, and its language none that one reads. */}
      <div className="shell-preferences">
        <Preferences />
      </div>
    </main>
  );
}
