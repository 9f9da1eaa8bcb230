import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, change } from "../../api/client";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { say } from "../../parts/toasts";
import { isAtOnce, type Plan } from "../updates/plan";
import type { Predicted } from "./predicted";
import type { Request } from "./request";

/** From how many devices on all at once is asked about before it is begun. */
const MANY = 100;

/** What can be done next, and why nothing else can. */
export function StartBar({
  request,
  why,
  refusal,
  predicted,
  plan,
  isRunning,
  dryRun,
  onStarted,
  onRefused,
}: {
  /** What is asked for; undefined while something lacks. */
  request: Request | undefined;
  /** Why it can't be started; undefined if it can. */
  why: string | undefined;
  /** Why the server did not start it. */
  refusal: string | undefined;
  /** What the dry run of exactly this has told. */
  predicted: Predicted | undefined;
  plan: Plan;
  isRunning: boolean;
  dryRun: () => void;
  onStarted: () => void;
  onRefused: (error: unknown) => void;
}) {
  const { newUpdate: text } = useText();
  const formats = useFormats();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const start = useMutation({
    mutationFn: async (request: Request) => {
      const body = { ...request, rollout: plan };
      const answer = await change((header) =>
        api.POST("/api/v1/updates", { params: { header }, body }),
      );
      if (!("id" in answer)) {
        throw new Error("an update is answered with its id");
      }
      return answer;
    },
    onSuccess: (answer) => {
      onStarted();
      const count = "devices" in answer ? answer.devices : answer.jobs.length;
      say("good", text.started(formats.number(count)));
      void client.invalidateQueries({ queryKey: ["updates"] });
    },
    onError: onRefused,
    onSettled: () => setAsking(false),
  });
  const count = predicted?.devices ?? 0;
  const goesAtOnce = isAtOnce(plan, count);
  const isGrave =
    (predicted?.restarted ?? 0) > 0 ||
    (predicted?.needRecreate ?? 0) > 0 ||
    (goesAtOnce && count >= MANY);
  // It goes on to the update's view once it has begun, which may take as long as loading that does.
  const isBegun = start.isPending || start.isSuccess;
  const begin = () => {
    if (request && !why) {
      onRefused(undefined);
      const { project } = request;
      start.mutate(request, {
        // Whoever has gone elsewhere meanwhile stays there.
        onSuccess: ({ id }) =>
          void navigate({ to: "/ui/updates/$id", params: { id }, search: { project } }),
      });
    }
  };
  return (
    <div className="update-bar">
      <p className="update-bar-text" aria-live="polite" id="start-why">
        {why ??
          (refusal ? (
            <span className="field-error">{refusal}</span>
          ) : (
            text.ready(formats.number(count))
          ))}
      </p>
      <Button
        kind={why ? "primary" : "normal"}
        disabled={!request || isBegun}
        isBusy={isRunning}
        aria-describedby="start-why"
        onClick={dryRun}
      >
        {predicted ? text.dryRunAgain : text.dryRunButton}
      </Button>
      <Button
        kind="primary"
        disabled={why !== undefined}
        isBusy={isBegun}
        aria-describedby="start-why"
        onClick={() => (isGrave ? setAsking(true) : begin())}
      >
        {why ? text.startButton : text.startCount(formats.number(count))}
      </Button>
      {isAsking && predicted && (
        <Confirm
          title={text.confirmTitle}
          action={text.startButton}
          isDangerous={predicted.restarted > 0}
          isBusy={start.isPending}
          onConfirm={begin}
          onClose={() => setAsking(false)}
        >
          <p>
            {goesAtOnce
              ? text.confirmAll(formats.number(count))
              : text.confirmWaves(formats.number(count))}
          </p>
          {predicted.restarted > 0 && (
            <p>{text.confirmRestart(formats.number(predicted.restarted))}</p>
          )}
          {predicted.needRecreate > 0 && (
            <p>{text.confirmRecreate(formats.number(predicted.needRecreate))}</p>
          )}
        </Confirm>
      )}
    </div>
  );
}
