import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, change } from "../../api/client";
import type { components } from "../../api/schema";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { Card } from "../../parts/Page";
import { sizeOf } from "../../parts/size";
import { say } from "../../parts/toasts";

type Backup = components["schemas"]["Backup"];

/** Copies of the database: made, fetched and deleted. */
export function Backups() {
  const { cluster: text } = useText();
  const [made, setMade] = useState<readonly Backup[]>([]);
  const [deleting, setDeleting] = useState<Backup>();
  const backUp = useMutation({
    mutationFn: () => change((header) => api.POST("/api/v1/backup", { params: { header } })),
    onSuccess: (backup) => setMade((before) => [backup, ...before]),
  });
  return (
    <Card
      title={text.backups}
      actions={
        <Button isBusy={backUp.isPending} onClick={() => backUp.mutate()}>
          {text.backUp}
        </Button>
      }
    >
      <p className="quiet">{text.backupsNote}</p>
      {backUp.isPending && <Notice tone="busy">{text.backingUp}</Notice>}
      {backUp.isError && <ProblemNotice error={backUp.error} />}
      {made.length === 0 && <p className="quiet">{text.noBackups}</p>}
      {made.map((backup) => (
        <Made key={backup.name} backup={backup} onDelete={() => setDeleting(backup)} />
      ))}
      {deleting && (
        <DeleteBackup
          name={deleting.name}
          onDone={() => setMade(made.filter((backup) => backup !== deleting))}
          onClose={() => setDeleting(undefined)}
        />
      )}
    </Card>
  );
}

/** A backup that was just made. */
function Made({ backup, onDelete }: { backup: Backup; onDelete: () => void }) {
  const { cluster: text } = useText();
  const formats = useFormats();
  const { projects, devices, jobs } = backup.counts;
  return (
    <section className="column" aria-label={backup.name}>
      <h3 className="break">{backup.name}</h3>
      <dl className="pairs">
        <dt>{text.size}</dt>
        <dd>{sizeOf(backup.bytes, formats.number)}</dd>
        <dt>{text.content}</dt>
        <dd>
          {text.counts(formats.number(projects), formats.number(devices), formats.number(jobs))}
        </dd>
        <dt>{text.checksum}</dt>
        <dd className="break">
          <code>{backup.sha256}</code>
        </dd>
        <dt>{text.notIncluded}</dt>
        <dd>{backup.not_included.join(", ")}</dd>
      </dl>
      <div className="row">
        <a
          className="button"
          href={`/api/v1/backups/${encodeURIComponent(backup.name)}`}
          download={backup.name}
        >
          {text.fetch}
        </a>
        <Button kind="danger" onClick={onDelete}>
          {text.remove}
        </Button>
      </div>
    </section>
  );
}

function DeleteBackup({
  name,
  onDone,
  onClose,
}: {
  name: string;
  onDone: () => void;
  onClose: () => void;
}) {
  const { cluster: text } = useText();
  const remove = useMutation({
    mutationFn: () =>
      change((header) =>
        api.DELETE("/api/v1/backups/{name}", { params: { path: { name }, header } }),
      ),
    onSuccess: () => {
      say("good", text.removed);
      onDone();
      onClose();
    },
  });
  return (
    <Confirm
      title={text.removeTitle(name)}
      action={text.remove}
      isDangerous
      isBusy={remove.isPending}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      {remove.isError && <ProblemNotice error={remove.error} />}
      <p>{text.removeWhat}</p>
    </Confirm>
  );
}
