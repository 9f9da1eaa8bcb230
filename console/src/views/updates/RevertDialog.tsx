import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { api, ask, change } from "../../api/client";
import type { components } from "../../api/schema";
import { useFormats, useText } from "../../i18n";
import { Button, ButtonLink } from "../../parts/Button";
import { Confirm, Dialog } from "../../parts/Dialog";
import { Loaded } from "../../parts/Loading";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { say } from "../../parts/toasts";
import { Outcome } from "../new-update/DryRunStep";
import { nothingYet, withPage } from "../new-update/predicted";
import { LeftOut } from "./LeftOut";
import { PlanFields } from "./PlanFields";
import { FIRST_PLAN, faultsOf, planOf } from "./plan";
import { isOpenRollout, type Update } from "./queries";

type Begun = components["schemas"]["BegunUpdate"];

/** What taking an update back would do. One page of it: each would take as long as all of them. */
function foreseen(id: string) {
  return queryOptions({
    queryKey: ["revert", id],
    queryFn: async ({ signal }) => {
      const params = { path: { id } };
      const body = { dry_run: true };
      const answer = await ask(api.POST("/api/v1/updates/{id}/revert", { params, body, signal }));
      if (!("devices_total" in answer)) {
        throw new Error("a dry run is answered with what would come of it");
      }
      return answer;
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
}

/** Takes an update back: says what that would do, how it goes, and afterwards what has come of it. */
export function RevertDialog({ update, onClose }: { update: Update; onClose: () => void }) {
  const { update: text } = useText();
  const formats = useFormats();
  const client = useQueryClient();
  const [form, setForm] = useState(FIRST_PLAN);
  const isFaulty = faultsOf(form).length > 0;
  const query = useQuery(foreseen(update.id));
  const devices = query.data?.devices;
  const predicted = useMemo(() => devices && withPage(nothingYet(), devices), [devices]);
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
      isReady={query.data !== undefined && !isFaulty}
      width={760}
      onConfirm={() => revert.mutate()}
      onClose={onClose}
    >
      <p>{text.revertWhat}</p>
      {isOpenRollout(update) && <Notice tone="warn">{text.revertEnds}</Notice>}
      <Loaded query={query} height={320}>
        {({ devices_total: total, left_out: left, left_out_total: leftTotal, next }) => (
          <>
            <p>
              {text.revertDevices(formats.number(total))}{" "}
              {next && predicted && text.revertFirst(formats.number(predicted.devices))}
            </p>
            {predicted && <Outcome predicted={predicted} project={update.project} />}
            <LeftOut left={left} total={leftTotal} />
          </>
        )}
      </Loaded>
      <PlanFields form={form} set={(patch) => setForm((now) => ({ ...now, ...patch }))} />
      {revert.isError && <ProblemNotice error={revert.error} />}
    </Confirm>
  );
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
