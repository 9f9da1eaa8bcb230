import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { api, change } from "../../api/client";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { saveCsv } from "../../parts/csv";
import { Dialog } from "../../parts/Dialog";
import { Meter } from "../../parts/Meter";
import { Notice, useWhy } from "../../parts/Notice";
import { useStay } from "../../parts/stay";
import { countsQuery } from "./query";
import { type Progress, rotate } from "./rotate";
import type { Wanted } from "./wanted";

/** How many of those that failed are named. */
const NAMED = 20;

/** How often the dialog is drawn anew at most. */
const DRAWN_EVERY_MS = 200;

/** Sets the passwords, and says how far it is. */
export function SettingPasswords({
  project,
  wanted,
  overlap,
  onClose,
}: {
  project: string;
  wanted: readonly Wanted[];
  /** For how many seconds the old ones go on working. */
  overlap: number;
  onClose: () => void;
}) {
  const { passwords: text, parts } = useText();
  const formats = useFormats();
  const why = useWhy();
  const client = useQueryClient();
  const [before, setBefore] = useState(0);
  const [progress, setProgress] = useState<Progress>();
  const [isRunning, setRunning] = useState(true);
  // Which run it is, and whether that was told to stop.
  const turn = useRef(0);
  const isStopped = useRef(false);
  useStay(isRunning, parts.leaveRunning);

  const begin = useCallback(
    async (some: readonly Wanted[]) => {
      turn.current += 1;
      const mine = turn.current;
      isStopped.current = false;
      let drawnAt = 0;
      setRunning(true);
      const end = await rotate(
        some,
        ({ id, password }) =>
          change((header) =>
            api.PUT("/api/v1/devices/{id}/credentials", {
              params: { path: { id }, query: { project }, header },
              body: { password, overlap_seconds: overlap },
            }),
          ),
        {
          tell: (now) => {
            if (turn.current === mine && Date.now() - drawnAt >= DRAWN_EVERY_MS) {
              drawnAt = Date.now();
              setProgress(now);
            }
          },
          isOver: () => turn.current !== mine || isStopped.current,
        },
      );
      if (turn.current !== mine) {
        return;
      }
      setProgress(end);
      setRunning(false);
      void client.invalidateQueries({ queryKey: countsQuery(project).queryKey });
      void client.invalidateQueries({ queryKey: ["devices"] });
    },
    [client, project, overlap],
  );
  useEffect(() => {
    void begin(wanted);
    return () => {
      turn.current += 1;
    };
  }, [begin, wanted]);

  const { left = [], failed = [], isAway = false } = progress ?? {};
  const done = before + (progress?.done ?? 0);
  const unset = [...failed.map((each) => each.wanted), ...left];
  const goOn = (some: readonly Wanted[]) => {
    setBefore(wanted.length - unset.length);
    setProgress(undefined);
    void begin(some);
  };
  const title = isRunning
    ? text.runningTitle
    : unset.length === 0
      ? text.doneTitle
      : text.stoppedTitle;
  return (
    <Dialog title={title} onClose={isRunning ? () => {} : onClose} width={640}>
      <Meter
        total={wanted.length}
        shares={[
          { tone: "good", count: done, label: text.doneTitle },
          { tone: "bad", count: failed.length, label: text.unset },
        ]}
      />
      <p role="status">{text.done(formats.number(done), formats.number(wanted.length))}</p>
      {!isRunning && isAway && <Notice tone="warn">{text.waiting}</Notice>}
      {failed.length > 0 && (
        <Notice tone="bad">
          <p>{text.failed(formats.number(failed.length))}</p>
          <ul>
            {failed.slice(0, NAMED).map(({ wanted: { id }, error }) => (
              <li key={id} className="break">
                <code>{id}</code>: {why(error)}
              </li>
            ))}
          </ul>
          {failed.length > NAMED && <p>{parts.more(formats.number(failed.length - NAMED))}</p>}
        </Notice>
      )}
      {!isRunning && unset.length > 0 && <p>{text.leaveWhat(formats.number(unset.length))}</p>}
      {!isRunning && done > 0 && <p>{text.afterwards}</p>}
      <div className="dialog-actions">
        {isRunning ? (
          <Button
            onClick={() => {
              isStopped.current = true;
            }}
          >
            {text.stop}
          </Button>
        ) : (
          <>
            {unset.length > 0 && (
              <Button
                onClick={() =>
                  saveCsv(`not-set-${project}.csv`, [
                    ["id", "password"],
                    ...unset.map(({ id, password }) => [id, password]),
                  ])
                }
              >
                {text.saveFailed}
              </Button>
            )}
            {unset.length > 0 && (
              <Button kind="primary" onClick={() => goOn(unset)}>
                {left.length > 0 ? text.goOn : text.again}
              </Button>
            )}
            <Button kind={unset.length > 0 ? "normal" : "primary"} onClick={onClose}>
              {unset.length > 0 ? text.leave : parts.done}
            </Button>
          </>
        )}
      </div>
    </Dialog>
  );
}
