import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, change } from "../../api/client";
import { useMay } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { CheckField } from "../../parts/Field";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { say } from "../../parts/toasts";
import { isOpenRollout, isOver, notBegun, openJobs, type Update, updateOf } from "./queries";
import { RevertDialog } from "./RevertDialog";

/** What can be done with an update, besides taking it back. */
type Act = "pause" | "resume" | "abort" | "cancel";

/** What can be done with an update as it stands. */
export function actsOf(update: Update): (Act | "revert")[] {
  const phase = update.rollout?.phase;
  const acts: (Act | "revert")[] = [];
  if (phase === "running" || phase === "collecting") {
    acts.push("pause");
  }
  if (phase === "paused" || phase === "stopped") {
    acts.push("resume");
  }
  if (isOpenRollout(update)) {
    acts.push("abort");
  } else if (openJobs(update) > 0) {
    acts.push("cancel");
  }
  const mayBegin = phase === "running" || phase === "collecting";
  if (!mayBegin && update.jobs.total > 0 && (update.rollout || isOver(update))) {
    acts.push("revert");
  }
  return acts;
}

/** Which acts never can be done at the same time: their buttons share a place. */
const PLACES = [["pause", "resume"], ["abort", "cancel"], ["revert"]] as const;

/** Which acts an update that is not in waves knows. */
const OF_PLAIN: readonly (Act | "revert")[] = ["cancel", "revert"];

/** The buttons for what can be done; `isKept` keeps the places of those that can't be now. */
export function Actions({ update, isKept }: { update: Update; isKept: boolean }) {
  const { update: text } = useText();
  const mayAct = useMay("operator", update.project);
  const [asked, setAsked] = useState<Act | "revert">();
  if (!mayAct) {
    return null;
  }
  const acts = actsOf(update);
  // What is done late does not close the dialog that was opened after its own.
  const close = (act: Act | "revert") => setAsked((now) => (now === act ? undefined : now));
  return (
    <>
      {PLACES.map((place) => {
        const shown = place.filter(
          (act) => acts.includes(act) || (isKept && (update.rollout || OF_PLAIN.includes(act))),
        );
        return (
          shown.length > 0 && (
            <span key={place[0]} className="act-place">
              {shown.map((act) => (
                <span key={act} className={acts.includes(act) ? undefined : "held"}>
                  <Button
                    kind={act === "resume" ? "primary" : act === "pause" ? "normal" : "danger"}
                    onClick={() => setAsked(act)}
                  >
                    {text[act]}
                  </Button>
                </span>
              ))}
            </span>
          )
        );
      })}
      {asked === "revert" && <RevertDialog update={update} onClose={() => close("revert")} />}
      {asked !== undefined && asked !== "revert" && (
        <ActDialog key={asked} update={update} act={asked} onClose={() => close(asked)} />
      )}
    </>
  );
}

/** Says what an act does, and to how many, before it is done. */
function ActDialog({ update, act, onClose }: { update: Update; act: Act; onClose: () => void }) {
  const { update: text } = useText();
  const formats = useFormats();
  const client = useQueryClient();
  const [cancelsToo, setCancelsToo] = useState(false);
  const { id } = update;
  const run = useMutation({
    mutationFn: () =>
      change((header) => {
        const params = { path: { id }, header };
        switch (act) {
          case "pause":
            return api.POST("/api/v1/updates/{id}/pause", { params });
          case "resume":
            return api.POST("/api/v1/updates/{id}/resume", { params });
          case "cancel":
            return api.POST("/api/v1/updates/{id}/cancel", { params });
          case "abort":
            return api.POST("/api/v1/updates/{id}/abort", {
              params,
              body: { cancel: cancelsToo },
            });
        }
      }),
    onSuccess: (shown) => {
      client.setQueryData(updateOf(id).queryKey, shown);
      say("good", text.done[act]);
      onClose();
    },
    // Of one that was refused, too: it stands otherwise than it was shown.
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["update", id] });
      void client.invalidateQueries({ queryKey: ["updates"] });
    },
  });
  const left = formats.number(notBegun(update));
  const open = formats.number(openJobs(update));
  return (
    <Confirm
      title={`${text[act]}: ${text.one} ${id.slice(0, 8)}…`}
      action={text[act]}
      isDangerous={act === "abort" || act === "cancel"}
      isBusy={run.isPending}
      onConfirm={() => run.mutate()}
      onClose={onClose}
    >
      {run.isError && <ProblemNotice error={run.error} />}
      {act === "pause" && <p>{text.pauseWhat(left)}</p>}
      {act === "resume" && <p>{text.resumeWhat(left)}</p>}
      {act === "resume" && update.rollout?.phase === "stopped" && (
        <Notice tone="warn">{text.resumeStopped}</Notice>
      )}
      {act === "cancel" && <p>{text.cancelWhat(open)}</p>}
      {act === "abort" && (
        <>
          <p>{text.abortWhat(left)}</p>
          {openJobs(update) > 0 && (
            <CheckField
              label={text.abortCancel(open)}
              checked={cancelsToo}
              onChange={(event) => setCancelsToo(event.target.checked)}
            />
          )}
          {cancelsToo && <p>{text.cancelWhat(open)}</p>}
        </>
      )}
    </Confirm>
  );
}
