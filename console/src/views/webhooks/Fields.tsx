import { useText } from "../../i18n";
import { CheckField, SelectField, TextField } from "../../parts/Field";
import { TYPES } from "./query";

/** What is typed of a webhook. */
export type Typed = {
  url: string;
  insecure: boolean;
  types: readonly string[];
  secretKind: "keep" | "make" | "own";
  secret: string;
};

/** Whether there is enough in it to be sent. */
export function isComplete({ url, types, secretKind, secret }: Typed): boolean {
  return url !== "" && types.length > 0 && (secretKind !== "own" || secret.length >= 16);
}

/** What a webhook is made of. */
export function WebhookFields({
  typed,
  edit,
  canKeep,
}: {
  typed: Typed;
  edit: (more: Partial<Typed>) => void;
  /** Whether it has a secret already. */
  canKeep: boolean;
}) {
  const { webhooks: text } = useText();
  return (
    <>
      <TextField
        label={text.url}
        hint={text.urlHint}
        type="url"
        required
        spellCheck={false}
        value={typed.url}
        onChange={(event) => edit({ url: event.target.value })}
      />
      {typed.url.startsWith("http://") && (
        <CheckField
          label={text.insecure}
          checked={typed.insecure}
          onChange={(event) => edit({ insecure: event.target.checked })}
        />
      )}
      <fieldset className="field plain-set">
        <legend className="field-label">{text.types}</legend>
        {TYPES.map((type) => (
          <CheckField
            key={type}
            label={
              <>
                {text.type[type]} <code className="quiet">{type}</code>
              </>
            }
            checked={typed.types.includes(type)}
            onChange={(event) =>
              edit({
                types: TYPES.filter((each) =>
                  each === type ? event.target.checked : typed.types.includes(each),
                ),
              })
            }
          />
        ))}
        {typed.types.length === 0 && <p className="field-error">{text.typesAll}</p>}
      </fieldset>
      <SelectField
        label={text.secretKind}
        value={typed.secretKind}
        choices={[
          ...(canKeep ? [{ value: "keep", label: text.secretKeep }] : []),
          { value: "make", label: text.secretMake },
          { value: "own", label: text.secretOwn },
        ]}
        onChange={({ target: { value } }) =>
          edit({ secretKind: value === "own" ? "own" : value === "make" ? "make" : "keep" })
        }
      />
      {typed.secretKind === "own" && (
        <TextField
          label={text.secret}
          hint={text.secretHint}
          type="password"
          autoComplete="new-password"
          required
          minLength={16}
          value={typed.secret}
          onChange={(event) => edit({ secret: event.target.value })}
        />
      )}
    </>
  );
}
