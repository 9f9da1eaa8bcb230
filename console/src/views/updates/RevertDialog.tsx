import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, change } from "../../api/client";
import type { components } from "../../api/schema";
import { useFormats, useText } from "../../i18n";
import { Button, ButtonLink } from "../../parts/Button";
import { Confirm, Dialog } from "../../parts/Dialog";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { Rows } from "../../parts/Rows";
import { PlanFields } from "./PlanFields";
import { FIRST_PLAN, faultsOf, planOf } from "./plan";
import { isOpenRollout, type Update } from "./queries";

/** Takes an update back: says what that does, how it goes, and afterwards what stays as it is. */
export function RevertDialog({ update, onClose }: { update: Update; onClose: () => void }) {
  const { update: text } = useText();
  const formats = useFormats();
  const client = useQueryClient();
  const [form, setForm] = useState(FIRST_PLAN);
  const isFaulty = faultsOf(form).length > 0;
  const revert = useMutation({
    mutationFn: () =>
      change((header) =>
        api.POST("/api/v1/updates/{id}/revert", {
          params: { path: { id: update.id }, header },
          body: { rollout: planOf(form) },
        }),
      ),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["updates"] });
      void client.invalidateQueries({ queryKey: ["update", update.id] });
    },
  });
  if (revert.data) {
    return <Begun begun={revert.data} project={update.project} onClose={onClose} />;
  }
  return (
    <Confirm
      title={`${text.revert}: ${text.one} ${update.id.slice(0, 8)}…`}
      action={text.revertStart}
      isDangerous
      isBusy={revert.isPending}
      onConfirm={() => {
        if (!isFaulty) {
          revert.mutate();
        }
      }}
      onClose={onClose}
    >
      {revert.isError && <ProblemNotice error={revert.error} />}
      <p>{text.revertWhat(formats.number(update.jobs.total))}</p>
      <p className="quiet">{text.revertLeaves}</p>
      {isOpenRollout(update) && <Notice tone="warn">{text.revertEnds}</Notice>}
      <PlanFields form={form} set={(patch) => setForm((now) => ({ ...now, ...patch }))} />
    </Confirm>
  );
}

/** What has come of it: nobody else is told later what was left out. */
function Begun({
  begun,
  project,
  onClose,
}: {
  begun: components["schemas"]["BegunUpdate"];
  project: string;
  onClose: () => void;
}) {
  const { update: text, newUpdate, parts } = useText();
  const formats = useFormats();
  const leftOut = begun.left_out ?? [];
  const total = begun.left_out_total ?? leftOut.length;
  return (
    <Dialog title={text.revertBegun} onClose={onClose} width={640}>
      <p>{text.revertDevices(formats.number(begun.devices))}</p>
      {total > 0 && (
        <>
          <h3>{text.leftOut(formats.number(total))}</h3>
          {total > leftOut.length && <p className="field-hint">{text.leftOutFirst}</p>}
          <Rows
            label={text.leftOut(formats.number(total))}
            rows={leftOut}
            rowKey={(left) => `${left.device}/${left.property ?? ""}`}
            columns={[
              {
                id: "device",
                header: text.device,
                width: "minmax(0, 1fr)",
                cell: (left) => <span title={left.device}>{left.device}</span>,
              },
              {
                id: "property",
                header: newUpdate.property,
                width: "minmax(0, 1fr)",
                cell: (left) => left.property ?? text.wholeDevice,
              },
              {
                id: "why",
                header: text.leftOutWhy,
                width: "minmax(0, 2fr)",
                cell: (left) => <span title={left.why}>{left.why}</span>,
              },
            ]}
            rowHeight={34}
            isNarrow={false}
            height={`${Math.min(320, 44 + 34 * leftOut.length)}px`}
          />
        </>
      )}
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
