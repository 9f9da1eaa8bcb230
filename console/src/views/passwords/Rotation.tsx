import { useState } from "react";
import { useFormats, useText } from "../../i18n";
import { useProjects } from "../../layout/project";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { TextArea, TextField } from "../../parts/Field";
import { FormDialog } from "../../parts/FormDialog";
import { MadePasswords } from "../../parts/MadePasswords";
import { Notice } from "../../parts/Notice";
import { SettingPasswords } from "./SettingPasswords";
import { type Named, ROTATED_MAX, readList, type Wanted, wantedOf } from "./wanted";

/** Which cameras get other passwords: these, or those of a list that is yet to be typed. */
export type Asked = { cameras?: readonly Named[] };

/** The largest file of ids and passwords that is read: twice what all cameras with long ones take. */
const LIST_BYTES_MAX = 4 * 1_024 * 1_024;

/** The longest overlap that the server takes: 30 days. */
const OVERLAP_HOURS_MAX = 720;

/** A rotation, step by step: which cameras, for how long the old ones work, keep the new, set them. */
export function Rotation({
  project,
  asked,
  onClose,
}: {
  project: string;
  asked: Asked;
  onClose: () => void;
}) {
  const settings = useProjects().find((each) => each.id === project)?.settings;
  const [cameras, setCameras] = useState(asked.cameras);
  const [listed, setListed] = useState("");
  // A day, unless the project has one of its own: without an overlap the fleet goes offline.
  const [hours, setHours] = useState(
    String((settings?.password_overlap_seconds || 86_400) / 3_600),
  );
  const [wanted, setWanted] = useState<readonly Wanted[]>();
  const [isKept, setKept] = useState(false);
  const overlap = Math.round(Number(hours) * 3_600);
  if (!cameras) {
    return <ListStep typed={listed} onTyped={setListed} onDone={setCameras} onClose={onClose} />;
  }
  if (!wanted) {
    return (
      <TermsStep
        count={cameras.length}
        hours={hours}
        onHours={setHours}
        onDone={() => setWanted(wantedOf(cameras))}
        onBack={asked.cameras ? undefined : () => setCameras(undefined)}
        onClose={onClose}
      />
    );
  }
  if (!isKept) {
    return (
      <KeepStep project={project} wanted={wanted} onDone={() => setKept(true)} onClose={onClose} />
    );
  }
  return <SettingPasswords project={project} wanted={wanted} overlap={overlap} onClose={onClose} />;
}

/** Takes a list of cameras. */
function ListStep({
  typed,
  onTyped,
  onDone,
  onClose,
}: {
  typed: string;
  onTyped: (typed: string) => void;
  onDone: (cameras: readonly Named[]) => void;
  onClose: () => void;
}) {
  const { passwords: text } = useText();
  const formats = useFormats();
  const read = readList(typed);
  const given = read.cameras.filter((camera) => camera.password !== undefined).length;
  const isTooMany = read.cameras.length > ROTATED_MAX;
  const [isUnreadable, setUnreadable] = useState(false);
  const take = async (file: File) => {
    const isSmall = file.size <= LIST_BYTES_MAX;
    const content = isSmall ? await file.text().catch(() => undefined) : undefined;
    setUnreadable(content === undefined);
    if (content !== undefined) {
      onTyped(content);
    }
  };
  return (
    <FormDialog
      title={text.listTitle}
      action={text.next}
      isBusy={false}
      error={undefined}
      isReady={read.cameras.length > 0 && read.wrongCount === 0 && !isTooMany}
      width={620}
      onSubmit={() => onDone(read.cameras)}
      onClose={onClose}
    >
      <TextArea
        label={text.list}
        hint={text.listHint}
        rows={10}
        spellCheck={false}
        value={typed}
        onChange={(event) => onTyped(event.target.value)}
      />
      <label className="field">
        <span className="field-label">{text.listFile}</span>
        <input
          type="file"
          accept=".csv,.txt,text/csv,text/plain"
          onChange={({ target }) => {
            const [file] = target.files ?? [];
            if (file) {
              void take(file);
            }
            // The same file, once it is mended, is another choice.
            target.value = "";
          }}
        />
      </label>
      {isUnreadable && <Notice tone="bad">{text.unreadable}</Notice>}
      {read.cameras.length > 0 && (
        <p role="status">
          {text.found(formats.number(read.cameras.length), formats.number(given))}
        </p>
      )}
      {read.wrongCount > 0 && (
        <Notice tone="bad">
          <p>{text.wrongLines(formats.number(read.wrongCount))}</p>
          <ul>
            {[...new Set(read.wrong)].map((line) => (
              <li key={line} className="break">
                <code>{line}</code>
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {read.twice > 0 && <Notice tone="warn">{text.twice(formats.number(read.twice))}</Notice>}
      {isTooMany && <Notice tone="bad">{text.tooMany(formats.number(ROTATED_MAX))}</Notice>}
    </FormDialog>
  );
}

/** Asks for how long the old passwords go on working. */
function TermsStep({
  count,
  hours,
  onHours,
  onDone,
  onBack,
  onClose,
}: {
  count: number;
  hours: string;
  onHours: (hours: string) => void;
  onDone: () => void;
  onBack: (() => void) | undefined;
  onClose: () => void;
}) {
  const { passwords: text } = useText();
  const formats = useFormats();
  const number = Number(hours);
  const isRight = hours.trim() !== "" && number >= 0 && number <= OVERLAP_HOURS_MAX;
  return (
    <FormDialog
      title={text.termsTitle(formats.number(count))}
      action={text.make}
      isBusy={false}
      error={undefined}
      isReady={isRight && count > 0}
      isBegun={onBack !== undefined}
      onSubmit={onDone}
      onClose={onClose}
    >
      <TextField
        label={text.overlap}
        hint={isRight ? text.overlapHint : undefined}
        error={isRight ? undefined : text.overlapHint}
        inputMode="decimal"
        value={hours}
        onChange={(event) => onHours(event.target.value)}
      />
      {isRight && number === 0 && <Notice tone="warn">{text.overlapNone}</Notice>}
      <p className="field-hint">{text.second}</p>
      {onBack && (
        <div className="row">
          <Button onClick={onBack}>{text.back}</Button>
        </div>
      )}
    </FormDialog>
  );
}

/** Has the passwords kept before the first of them is set: nothing shows them again. */
function KeepStep({
  project,
  wanted,
  onDone,
  onClose,
}: {
  project: string;
  wanted: readonly Wanted[];
  onDone: () => void;
  onClose: () => void;
}) {
  const { passwords: text, parts } = useText();
  const formats = useFormats();
  const made = wanted.filter((each) => each.isMade);
  const [isSaved, setSaved] = useState(made.length === 0);
  return (
    // Escape does not close it: what was made and typed for it is shown nowhere else.
    <Dialog title={text.madeTitle} onClose={() => {}} width={640}>
      <p>{made.length > 0 ? text.madeWhat : text.givenOnly}</p>
      {made.length > 0 && (
        <MadePasswords
          made={made}
          fileName={`passwords-${project}.csv`}
          onKept={() => setSaved(true)}
        />
      )}
      <div className="dialog-actions">
        <Button onClick={onClose}>{parts.cancel}</Button>
        <Button kind="primary" disabled={!isSaved} onClick={onDone}>
          {text.begin(formats.number(wanted.length))}
        </Button>
      </div>
    </Dialog>
  );
}
