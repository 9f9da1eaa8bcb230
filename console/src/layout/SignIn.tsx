import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiProblem } from "../api/problem";
import { type Credentials, signIn } from "../api/session";
import { useText } from "../i18n";
import { Button } from "../parts/Button";
import { TextField } from "../parts/Field";
import { Notice, useWhy } from "../parts/Notice";

/** The form by which one signs in. It keeps what was typed when the server refuses. */
export function SignInForm({
  user: known,
  onDone,
  onCancel,
}: {
  /** Who it was before, if the session has ended. */
  user?: string;
  onDone: () => void;
  onCancel?: () => void;
}) {
  const { signIn: text, parts } = useText();
  const why = useWhy();
  const client = useQueryClient();
  const [way, setWay] = useState<"password" | "token">("password");
  const [user, setUser] = useState(known ?? "");
  const [secret, setSecret] = useState("");
  const enter = useMutation({
    mutationFn: (credentials: Credentials) => signIn(credentials, client),
    onSuccess: onDone,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    enter.mutate(way === "token" ? { token: secret } : { user, password: secret });
  };
  const isWrong = enter.error instanceof ApiProblem && enter.error.status === 401;
  return (
    <form className="column" onSubmit={submit} aria-label={text.title}>
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
      {enter.isError && (
        <Notice tone="bad">
          {isWrong && way === "token" ? text.wrongToken : why(enter.error)}
        </Notice>
      )}
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
export function SignInPage({ onDone }: { onDone: () => void }) {
  const { signIn: text, shell } = useText();
  return (
    <main className="sign-in">
      <div className="card">
        <h1>
          {shell.name} · {text.title}
        </h1>
        <SignInForm onDone={onDone} />
      </div>
    </main>
  );
}
