import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useFormats, useText } from "../../i18n";
import { Badge, type Tone } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { SelectField, TextField } from "../../parts/Field";
import { FormDialog } from "../../parts/FormDialog";
import { Notice } from "../../parts/Notice";
import { Card } from "../../parts/Page";
import { SecretDialog } from "../../parts/Secret";
import { CameraBadge } from "../../parts/states";
import { Ago, Moment } from "../../parts/Time";
import { useSayAccepted } from "./acts";
import { type Camera, giveCredentials, type NewCredentials, useReadAnew, useSubject } from "./data";
import { Pair } from "./Facts";

const USE_TONES: Record<string, Tone> = { current: "good", old: "warn", not_renewed: "warn" };

/** Where a camera is registered from, until when, and why not. */
export function Registration({ camera }: { camera: Camera }) {
  const { device: text } = useText();
  return (
    <Card title={text.registration}>
      <dl className="pairs">
        <Pair name={text.status}>
          <CameraBadge status={camera.status} />
        </Pair>
        <Pair name={text.offline}>
          {camera.offline && (
            <>
              <Ago at={camera.offline.at} /> · {camera.offline.text}
            </>
          )}
        </Pair>
        <Pair name={text.remote}>{camera.remote && <code>{camera.remote}</code>}</Pair>
        <Pair name={text.transport}>{camera.transport?.toUpperCase()}</Pair>
        <Pair name={text.registered}>
          {camera.registered_at && <Moment at={camera.registered_at} />}
        </Pair>
        <Pair name={text.refreshed}>{camera.refreshed_at && <Ago at={camera.refreshed_at} />}</Pair>
        <Pair name={text.expires}>{camera.expires_at && <Ago at={camera.expires_at} />}</Pair>
        <Pair name={text.version}>{camera.version}</Pair>
        <Pair name={text.organization}>{camera.organization?.path}</Pair>
      </dl>
    </Card>
  );
}

/** Whom a camera must register as, and whether it does. */
export function Credentials({ camera }: { camera: Camera }) {
  const { device, mayOperate } = useSubject();
  const { device: text, parts } = useText();
  const [isOpen, setOpen] = useState(false);
  const uses: Record<string, string> = text.use;
  const { changed_at, overlap_until, in_use } = camera.credentials;
  return (
    <Card
      title={text.credentials}
      actions={
        mayOperate &&
        !device.frozen && <Button onClick={() => setOpen(true)}>{text.changeCredentials}</Button>
      }
    >
      <dl className="pairs">
        <Pair name={text.user}>
          {camera.user ? (
            <code className="break">{camera.user}</code>
          ) : (
            <>
              <code className="break">{device.id}</code>{" "}
              <span className="quiet">({text.userIsId})</span>
            </>
          )}
        </Pair>
        <Pair name={text.password}>
          {camera.has_password ? text.passwordSet : <Badge tone="bad">{text.passwordNone}</Badge>}
        </Pair>
        <Pair name={text.inUse}>
          {in_use ? (
            <Badge tone={USE_TONES[in_use] ?? "none"}>{uses[in_use] ?? in_use}</Badge>
          ) : (
            <span className="quiet">{parts.none}</span>
          )}
        </Pair>
        <Pair name={text.credentialsChanged}>
          <Ago at={changed_at} />
        </Pair>
        {changed_at && (
          <Pair name={text.overlap}>
            {overlap_until ? (
              <>
                <Moment at={overlap_until} /> (<Ago at={overlap_until} />)
              </>
            ) : (
              <span className="quiet">{text.noOverlap}</span>
            )}
          </Pair>
        )}
      </dl>
      {isOpen && <NewCredentialsForm onClose={() => setOpen(false)} />}
    </Card>
  );
}

/** A password of 16 letters and digits, out of those that are not taken for one another. */
function generated(): string {
  const letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
  // Bytes above the last whole multiple would make some letters likelier than others.
  const fair = 256 - (256 % letters.length);
  let password = "";
  while (password.length < 16) {
    for (const byte of crypto.getRandomValues(new Uint8Array(32))) {
      if (byte < fair && password.length < 16) {
        password += letters[byte % letters.length];
      }
    }
  }
  return password;
}

const HOUR = 3_600;
const OVERLAPS_HOURS = [1, 24, 24 * 7, 24 * 30];

function NewCredentialsForm({ onClose }: { onClose: () => void }) {
  const { ref } = useSubject();
  const { device: text } = useText();
  const formats = useFormats();
  const readAnew = useReadAnew(ref);
  const sayAccepted = useSayAccepted();
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [overlap, setOverlap] = useState("");
  const [kept, setKept] = useState<string | null>(null);
  const giving = useMutation({
    mutationFn: (given: NewCredentials) => giveCredentials(ref, given),
    onSuccess: async (accepted, given) => {
      sayAccepted(accepted, text.credentialsDone);
      if (given.password) {
        setKept(given.password);
      } else {
        onClose();
      }
      await readAnew();
    },
  });
  if (kept !== null) {
    return (
      <SecretDialog
        title={text.newPassword}
        secrets={[{ name: text.password, value: kept }]}
        onClose={onClose}
      >
        <p>{text.credentialsDone}</p>
      </SecretDialog>
    );
  }
  const lasting = (hours: number) =>
    hours % 24 === 0
      ? text.overlapDays(formats.number(hours / 24))
      : text.overlapHours(formats.number(hours));
  return (
    <FormDialog
      title={text.changeCredentials}
      action={text.changeCredentials}
      isBusy={giving.isPending}
      error={giving.error}
      isReady={user !== "" || password !== ""}
      isBegun={password !== ""}
      onSubmit={() =>
        giving.mutate({
          user: user || undefined,
          password: password || undefined,
          overlap_seconds: overlap === "" ? undefined : Number(overlap),
        })
      }
      onClose={onClose}
    >
      <Notice tone="none">{text.credentialsWhy}</Notice>
      <TextField
        label={text.user}
        hint={text.userHint}
        value={user}
        spellCheck={false}
        autoCapitalize="none"
        onChange={(event) => setUser(event.target.value)}
      />
      <TextField
        label={text.password}
        hint={text.passwordHint}
        value={password}
        spellCheck={false}
        autoCapitalize="none"
        onChange={(event) => setPassword(event.target.value)}
      />
      <div className="row">
        <Button onClick={() => setPassword(generated())}>{text.generate}</Button>
      </div>
      <SelectField
        label={text.overlapField}
        value={overlap}
        choices={[
          { value: "", label: text.overlapProject },
          { value: "0", label: text.overlapNone },
          ...OVERLAPS_HOURS.map((hours) => ({
            value: String(hours * HOUR),
            label: lasting(hours),
          })),
        ]}
        onChange={(event) => setOverlap(event.target.value)}
      />
    </FormDialog>
  );
}
