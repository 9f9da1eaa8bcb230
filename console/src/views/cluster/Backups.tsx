import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask, change } from "../../api/client";
import type { components } from "../../api/schema";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { Loaded } from "../../parts/Loading";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { Card } from "../../parts/Page";
import { sizeOf } from "../../parts/size";
import { Moment } from "../../parts/Time";
import { say } from "../../parts/toasts";

/** How often the list is read anew: others make backups too, by the command line or by a timer. */
const READ_EVERY_MS = 30_000;

/** The backups that lie on the server. */
const backups = queryOptions({
  queryKey: ["backups"],
  queryFn: ({ signal }) => ask(api.GET("/api/v1/backups", { signal })),
  refetchInterval: READ_EVERY_MS,
});

/** Copies of the database: made, fetched and deleted. */
export function Backups() {
  const { cluster: text } = useText();
  const formats = useFormats();
  const client = useQueryClient();
  const query = useQuery(backups);
  const [deleting, setDeleting] = useState<string>();
  const backUp = useMutation({
    mutationFn: () => change((header) => api.POST("/api/v1/backup", { params: { header } })),
    onSettled: () => client.invalidateQueries({ queryKey: backups.queryKey }),
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
      {backUp.data && <Made backup={backUp.data} />}
      <Loaded query={query} height={120}>
        {({ backups: kept, total }) =>
          kept.length === 0 ? (
            <p className="quiet">{text.noBackups}</p>
          ) : (
            <>
              {total > kept.length && (
                <p className="quiet">
                  {text.newestOf(formats.number(kept.length), formats.number(total))}
                </p>
              )}
              <Kept backups={kept} onDelete={setDeleting} />
            </>
          )
        }
      </Loaded>
      {deleting !== undefined && (
        <DeleteBackup
          name={deleting}
          onDone={() => {
            // What was told of it when it was made is of nothing any more.
            if (backUp.data?.name === deleting) {
              backUp.reset();
            }
          }}
          onClose={() => setDeleting(undefined)}
        />
      )}
    </Card>
  );
}

/** The backups, and what can be done with each. */
function Kept({
  backups: kept,
  onDelete,
}: {
  backups: readonly components["schemas"]["KeptBackup"][];
  onDelete: (name: string) => void;
}) {
  const { cluster: text } = useText();
  const formats = useFormats();
  return (
    <div className="table-frame">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{text.backup}</th>
            <th scope="col">
              <span className="heard">{text.acts}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {kept.map(({ name, made_at, bytes }) => (
            <tr key={name}>
              <th scope="row" className="break">
                {name}
                <p className="small quiet numbers">
                  <Moment at={made_at} /> · {sizeOf(bytes, formats.number)}
                </p>
              </th>
              <td>
                <span className="row">
                  <a
                    className="button"
                    href={`/api/v1/backups/${encodeURIComponent(name)}`}
                    download={name}
                    aria-label={`${text.fetch} ${name}`}
                  >
                    {text.fetch}
                  </a>
                  <Button
                    kind="danger"
                    aria-label={`${text.remove} ${name}`}
                    onClick={() => onDelete(name)}
                  >
                    {text.remove}
                  </Button>
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What is told of a backup once, when it was made. */
function Made({ backup }: { backup: components["schemas"]["Backup"] }) {
  const { cluster: text } = useText();
  const formats = useFormats();
  const { projects, devices, jobs } = backup.counts;
  return (
    <Notice tone="good">
      <p className="break">{text.madeBackup(backup.name)}</p>
      <dl className="pairs">
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
    </Notice>
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
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () =>
      change((header) =>
        api.DELETE("/api/v1/backups/{name}", { params: { path: { name }, header } }),
      ),
    onSuccess: () => {
      say("good", text.removed);
      void client.invalidateQueries({ queryKey: backups.queryKey });
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
