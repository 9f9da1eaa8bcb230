import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ApiProblem } from "../../api/problem";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Notice } from "../../parts/Notice";
import { useSayAccepted } from "./acts";
import { type Device, desire, deviceOf, useReadAnew, useSubject } from "./data";
import { Value } from "./Value";
import { recordOf } from "./values";

/**
 * Asks for values of the device on the revision that whoever asks has seen. Where somebody else was
 * first, `conflict` says so until it is settled: nobody's value is written over unseen.
 */
export function useDesire(onDone: () => void) {
  const { ref, device } = useSubject();
  const client = useQueryClient();
  const readAnew = useReadAnew(ref);
  const sayAccepted = useSayAccepted();
  // What was on the page when the typing began is what was seen, not what came in since.
  const [revision, setRevision] = useState(device.revision);
  const asking = useMutation({
    mutationFn: (asked: { set: Record<string, string>; restart: boolean; revision?: number }) =>
      desire(ref, { revision, ...asked }),
    onSuccess: async (accepted) => {
      sayAccepted(accepted);
      onDone();
      await readAnew();
    },
    onError: (error) => {
      if (isConflict(error)) {
        void client.invalidateQueries({ queryKey: deviceOf(ref).queryKey });
      }
    },
  });
  const current = isConflict(asking.error) ? asking.error.body.current : undefined;
  return {
    ask: (set: Record<string, string>, restart = false) => asking.mutate({ set, restart }),
    isBusy: asking.isPending,
    error: isConflict(asking.error) ? null : asking.error,
    conflict:
      current === undefined || current === null ? null : { yours: revision, theirs: current },
    /** Goes on from the revision that the device is at, which has been shown. */
    askOn: (seen: number, set: Record<string, string>, restart = false) => {
      setRevision(seen);
      asking.mutate({ set, restart, revision: seen });
    },
  };
}

function isConflict(error: unknown): error is ApiProblem {
  return error instanceof ApiProblem && error.code === "revision_differs";
}

/** What {@link useDesire} gives. */
export type Desiring = ReturnType<typeof useDesire>;

/** What is desired of a property or on record of it. */
function standing(device: Device, name: string): string | undefined {
  return device.desired[name] ?? recordOf(device).get(name);
}

/** Shows both revisions, and what stands in each, and lets choose. */
export function Conflict({
  desiring,
  set,
  restart = false,
  onKeepTheirs,
}: {
  desiring: Desiring;
  set: Record<string, string>;
  restart?: boolean;
  onKeepTheirs: () => void;
}) {
  const { ref } = useSubject();
  const { device: text } = useText();
  const formats = useFormats();
  const latest = useQuery(deviceOf(ref));
  const { conflict } = desiring;
  if (conflict === null) {
    return null;
  }
  // The revision that the shown values are of: what is set is set on what was seen.
  const seen = latest.data?.revision ?? conflict.theirs;
  const isRead = seen >= conflict.theirs;
  const revision = (of: number) => formats.number(of);
  return (
    <Notice
      tone="warn"
      actions={
        <>
          <Button onClick={onKeepTheirs}>{text.keepTheirs}</Button>
          <Button
            kind="primary"
            isBusy={desiring.isBusy || !isRead}
            onClick={() => desiring.askOn(seen, set, restart)}
          >
            {text.setMine(revision(seen))}
          </Button>
        </>
      }
    >
      <p>
        {text.conflict} {text.conflictRevisions(revision(conflict.yours), revision(seen))}
      </p>
      {Object.entries(set).map(([name, mine]) => (
        <div key={name}>
          <code className="small break">{name}</code>
          <dl className="pairs">
            <dt>{text.conflictTheirs}</dt>
            <dd>
              <Value value={(latest.data && standing(latest.data, name)) ?? null} />
            </dd>
            <dt>{text.conflictYours}</dt>
            <dd>
              <Value value={mine} />
            </dd>
          </dl>
        </div>
      ))}
    </Notice>
  );
}
