import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { api, ask } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { useFormats, useText } from "../../i18n";
import { useProjects } from "../../layout/project";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { SelectField, TextField } from "../../parts/Field";
import { FormDialog } from "../../parts/FormDialog";
import { MadePasswords } from "../../parts/MadePasswords";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { useStay } from "../../parts/stay";
import { type Accepted, accept } from "./accept";

/** How many of those that were refused are named. */
const REFUSED_NAMED = 20;

/** Accepts the named cameras, or all, and shows once the passwords that were made for them. */
export function AcceptCameras({
  project,
  ids: given,
  onClose,
}: {
  project: string;
  /** Which; all unless given. */
  ids: readonly string[] | undefined;
  onClose: () => void;
}) {
  const { enrolment: text, parts } = useText();
  const formats = useFormats();
  const client = useQueryClient();
  // Those that were chosen when it was asked: the list below goes on changing.
  const [ids] = useState(given);
  const [profile, setProfile] = useState("");
  const [prefix, setPrefix] = useState("");
  const [soFar, setSoFar] = useState<Accepted>();
  const overlap = useProjects().find((each) => each.id === project)?.settings
    .password_overlap_seconds;
  const catalogue = useQuery({
    queryKey: ["catalogue"],
    queryFn: () => ask(api.GET("/api/v1/catalogue")),
    staleTime: 60_000,
  });
  const run = useMutation({
    mutationFn: () =>
      accept(
        project,
        ids ? { ids } : { prefix: prefix === "" ? undefined : prefix },
        profile === "" ? undefined : profile,
        setSoFar,
      ),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["pending", project] });
      void client.invalidateQueries({ queryKey: ["devices"] });
    },
  });
  // A second run would tell of none, in the place of the passwords that the first has made.
  const isBegun = useRef(false);
  const begin = () => {
    if (!isBegun.current) {
      isBegun.current = true;
      run.mutate(undefined, {
        onError: () => {
          isBegun.current = false;
        },
      });
    }
  };
  useStay(run.isPending, parts.leaveRunning);
  if (soFar && !run.isPending) {
    return <Outcome outcome={soFar} error={run.error} project={project} onClose={onClose} />;
  }
  const isLost = run.error instanceof ApiProblem && run.error.status === 0;
  const profiles = (catalogue.data?.profiles ?? []).filter((each) => each.kind === "camera");
  const isPrefixRight = /^\d{0,20}$/.test(prefix);
  return (
    <FormDialog
      title={ids ? text.acceptTitle(formats.number(ids.length)) : text.acceptAllTitle}
      action={text.acceptAction}
      isBusy={run.isPending}
      error={run.error}
      isReady={isPrefixRight}
      onSubmit={begin}
      onClose={onClose}
    >
      <p>{text.acceptWhat}</p>
      {overlap !== undefined && (
        <Notice tone={overlap > 0 ? "none" : "warn"}>
          {overlap > 0 ? text.overlap(formats.number(overlap / 3_600)) : text.noOverlap}{" "}
          <Link to="/ui/projects/$project" params={{ project }} search={{ project }}>
            {text.toSettings}
          </Link>
        </Notice>
      )}
      {ids ? (
        <SelectField
          label={text.profile}
          hint={text.profileHint}
          value={profile}
          choices={[
            { value: "", label: "generic" },
            ...profiles
              .filter(({ name }) => name !== "generic")
              .map(({ name }) => ({ value: name, label: name })),
          ]}
          onChange={(event) => setProfile(event.target.value)}
        />
      ) : (
        <TextField
          label={text.prefix}
          hint={text.prefixHint}
          error={isPrefixRight ? undefined : text.prefixHint}
          inputMode="numeric"
          value={prefix}
          onChange={(event) => setPrefix(event.target.value)}
        />
      )}
      {isLost && <p>{text.cutOff}</p>}
      {run.isPending && soFar && (
        <p role="status">{text.accepting(formats.number(soFar.made.length))}</p>
      )}
    </FormDialog>
  );
}

/** What came of it. It does not close before the passwords were downloaded. */
function Outcome({
  outcome: { made, refused },
  error,
  project,
  onClose,
}: {
  outcome: Accepted;
  error: unknown;
  project: string;
  onClose: () => void;
}) {
  const { enrolment: text, parts } = useText();
  const formats = useFormats();
  const [isKept, setKept] = useState(made.length === 0);
  return (
    <Dialog
      title={text.acceptedTitle(formats.number(made.length))}
      onClose={isKept ? onClose : () => {}}
      width={640}
    >
      {Boolean(error) && (
        <>
          <ProblemNotice error={error} />
          <p>{text.cutOff}</p>
        </>
      )}
      {made.length > 0 && (
        <MadePasswords
          made={made}
          fileName={`passwords-${project}.csv`}
          onKept={() => setKept(true)}
        />
      )}
      {refused.length > 0 && (
        <Notice tone="bad">
          <p>{text.refused(formats.number(refused.length))}</p>
          <ul>
            {refused.slice(0, REFUSED_NAMED).map(({ id, detail }) => (
              <li key={id}>
                <code>{id}</code>: {detail}
              </li>
            ))}
          </ul>
          {refused.length > REFUSED_NAMED && (
            <p>{parts.more(formats.number(refused.length - REFUSED_NAMED))}</p>
          )}
        </Notice>
      )}
      <div className="dialog-actions">
        <Button kind="primary" disabled={!isKept} onClick={onClose}>
          {made.length > 0 ? parts.kept : parts.close}
        </Button>
      </div>
    </Dialog>
  );
}
