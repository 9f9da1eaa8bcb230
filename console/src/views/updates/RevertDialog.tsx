import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { api, ask, change } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import type { components } from "../../api/schema";
import { useFormats, useText } from "../../i18n";
import { Button, ButtonLink } from "../../parts/Button";
import { Confirm, Dialog } from "../../parts/Dialog";
import { Skeleton } from "../../parts/Loading";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { say } from "../../parts/toasts";
import { Outcome } from "../new-update/DryRunStep";
import { type DryRun, useDryRun } from "../new-update/dry-run";
import { LeftOut } from "./LeftOut";
import { PlanFields } from "./PlanFields";
import { FIRST_PLAN, faultsOf, planOf } from "./plan";
import { isOpenRollout, type Update } from "./queries";

type Begun = components["schemas"]["BegunUpdate"];

/** What taking an update back comes to in all: told with the first page of what it would do. */
type Counted = {
  devices: number;
  left: readonly components["schemas"]["LeftOut"][];
  leftTotal: number;
};

/** Asks for a page of what taking an update back would do. */
async function foresee(id: string, after: string | undefined, signal: AbortSignal) {
  const params = { path: { id } };
  const body = { dry_run: true, after };
  const answer = await ask(api.POST("/api/v1/updates/{id}/revert", { params, body, signal }));
  if (!("devices_total" in answer)) {
    throw new Error("a dry run is answered with what would come of it");
  }
  return answer;
}

/** Foresees what taking an update back would do: what it comes to, and then page by page. */
function useForeseen(id: string) {
  const { dryRun, run, cancel } = useDryRun();
  const [counted, setCounted] = useState<Counted>();
  const again = useCallback(
    () =>
      void run(id, async (after, signal) => {
        const page = await foresee(id, after, signal);
        if (after === undefined && !signal.aborted) {
          const { devices_total: devices, left_out: left, left_out_total: leftTotal } = page;
          setCounted({ devices: devices ?? 0, left, leftTotal: leftTotal ?? left.length });
        }
        return page;
      }),
    [run, id],
  );
  useEffect(again, [again]);
  return { dryRun, counted, again, cancel };
}

/** Takes an update back: says what that would do, how it goes, and afterwards what has come of it. */
export function RevertDialog({ update, onClose }: { update: Update; onClose: () => void }) {
  const { update: text } = useText();
  const formats = useFormats();
  const client = useQueryClient();
  const [form, setForm] = useState(FIRST_PLAN);
  const isFaulty = faultsOf(form).length > 0;
  const { dryRun, counted, again, cancel } = useForeseen(update.id);
  const why = nothingIn(dryRun?.error);
  const isShown = useRef(false);
  useEffect(() => {
    isShown.current = true;
    return () => {
      isShown.current = false;
    };
  }, []);
  const revert = useMutation({
    mutationFn: async (): Promise<Begun> => {
      const answer = await change((header) =>
        api.POST("/api/v1/updates/{id}/revert", {
          params: { path: { id: update.id }, header },
          body: { rollout: planOf(form) },
        }),
      );
      if (!("id" in answer)) {
        throw new Error("a revert is answered with the update that it is");
      }
      return answer;
    },
    onSuccess: (begun) => {
      if (!isShown.current) {
        say("good", `${text.revertBegun}: ${text.revertDevices(formats.number(begun.devices))}`);
      }
    },
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["updates"] });
      void client.invalidateQueries({ queryKey: ["update", update.id] });
    },
  });
  if (revert.data) {
    return <BegunDialog begun={revert.data} project={update.project} onClose={onClose} />;
  }
  return (
    <Confirm
      title={`${text.revert}: ${text.one} ${update.id.slice(0, 8)}…`}
      action={text.revertStart}
      isDangerous
      isBusy={revert.isPending}
      isReady={counted !== undefined && !isFaulty}
      width={960}
      onConfirm={() => {
        cancel();
        revert.mutate();
      }}
      onClose={onClose}
    >
      <p>{text.revertWhat}</p>
      {isOpenRollout(update) && <Notice tone="warn">{text.revertEnds}</Notice>}
      {!counted && dryRun?.phase !== "failed" && <Skeleton height={320} />}
      {counted && <p>{text.revertWould(formats.number(counted.devices))}</p>}
      {why && <Notice tone="none">{why}</Notice>}
      {dryRun?.phase === "failed" && !why && <ProblemNotice error={dryRun.error} retry={again} />}
      {counted && dryRun && <Foreseen dryRun={dryRun} all={counted.devices} stop={cancel} />}
      {dryRun && dryRun.predicted.devices > 0 && (
        <Outcome predicted={dryRun.predicted} project={update.project} />
      )}
      {counted && <LeftOut left={counted.left} total={counted.leftTotal} />}
      {!why && <PlanFields form={form} set={(patch) => setForm((now) => ({ ...now, ...patch }))} />}
      {revert.isError && <ProblemNotice error={revert.error} />}
    </Confirm>
  );
}

/** Why nothing would come back, if the server says so. */
function nothingIn(error: unknown): string | undefined {
  const isNothing = error instanceof ApiProblem && error.code === "nothing_to_revert";
  return isNothing ? error.message : undefined;
}

/** How much of what it would do is told below, where that is not all. */
function Foreseen({ dryRun, all, stop }: { dryRun: DryRun; all: number; stop: () => void }) {
  const { update: text, newUpdate } = useText();
  const formats = useFormats();
  const told = formats.number(dryRun.predicted.devices);
  if (dryRun.phase === "running") {
    return (
      <Notice tone="busy" actions={<Button onClick={stop}>{newUpdate.dryRunStop}</Button>}>
        {text.revertReading(told, formats.number(all))}
      </Notice>
    );
  }
  return dryRun.phase === "done" ? null : <p>{text.revertFirst(told)}</p>;
}

/** What has come of it. */
function BegunDialog({
  begun,
  project,
  onClose,
}: {
  begun: Begun;
  project: string;
  onClose: () => void;
}) {
  const { update: text, parts } = useText();
  const formats = useFormats();
  const left = begun.left_out ?? [];
  return (
    <Dialog title={text.revertBegun} onClose={onClose} width={640}>
      <p>{text.revertDevices(formats.number(begun.devices))}</p>
      <LeftOut left={left} total={begun.left_out_total ?? left.length} />
      <div className="dialog-actions">
        <Button onClick={onClose}>{parts.close}</Button>
        <ButtonLink
          to="/ui/updates/$id"
          params={{ id: begun.id }}
          search={{ project }}
          kind="primary"
          onClick={onClose}
        >
          {text.revertOpen}
        </ButtonLink>
      </div>
    </Dialog>
  );
}
