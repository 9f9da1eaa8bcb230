import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, change } from "../../api/client";
import { useFormats, useText } from "../../i18n";
import { FormDialog } from "../../parts/FormDialog";
import { OneByOneDialog } from "../../parts/OneByOneDialog";
import { useOneByOne } from "../../parts/one-by-one";
import { say } from "../../parts/toasts";
import type { DeviceRow } from "./list";

/** Freezes a device, or ends that. */
function freeze({ id, project }: DeviceRow, isFreeze: boolean): Promise<unknown> {
  return change((header) => {
    const params = { path: { id }, query: { project }, header };
    return isFreeze
      ? api.POST("/api/v1/devices/{id}/freeze", { params })
      : api.POST("/api/v1/devices/{id}/unfreeze", { params });
  });
}

/** Freezes or unfreezes devices, one call each; what failed or was not begun can be gone on with. */
export function FreezeDialog({
  rows,
  isFreeze,
  onClose,
  onDone,
}: {
  rows: readonly DeviceRow[];
  isFreeze: boolean;
  onClose: () => void;
  onDone: () => void;
}) {
  const { devices: text } = useText();
  const formats = useFormats();
  const client = useQueryClient();
  // What they were when it was asked: the list is read anew while they change.
  const [concerned] = useState(() => rows.filter((row) => row.frozen !== isFreeze));
  const run = useOneByOne<DeviceRow>(
    (row) => freeze(row, isFreeze),
    ({ done }) => {
      void client.invalidateQueries({ queryKey: ["devices"] });
      if (done === concerned.length) {
        const count = formats.number(done);
        say("good", isFreeze ? text.frozenAll(count) : text.unfrozenAll(count));
        onDone();
        onClose();
      }
    },
  );
  if (run.progress) {
    return (
      <OneByOneDialog
        title={isFreeze ? text.freezing : text.unfreezing}
        run={run}
        total={concerned.length}
        told={text.progress}
        failed={text.failedSome}
        undone={isFreeze ? text.notFrozen : text.notUnfrozen}
        nameOf={(row) => row.name || row.id}
        onClose={onClose}
      />
    );
  }
  const count = formats.number(concerned.length);
  const others = rows.length - concerned.length;
  return (
    <FormDialog
      title={isFreeze ? text.freezeTitle : text.unfreezeTitle}
      action={isFreeze ? text.freezeDo(count) : text.unfreezeDo(count)}
      isBusy={false}
      error={null}
      isReady={concerned.length > 0}
      onSubmit={() => void run.begin(concerned)}
      onClose={onClose}
    >
      {concerned.length > 0 && (
        <p>{isFreeze ? text.freezeWhat(count) : text.unfreezeWhat(count)}</p>
      )}
      {others > 0 && (
        <p>
          {isFreeze
            ? text.alreadyFrozen(formats.number(others))
            : text.alreadyUnfrozen(formats.number(others))}
        </p>
      )}
    </FormDialog>
  );
}
