import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, ask } from "../../api/client";
import { useFormats, useText } from "../../i18n";
import { Confirm } from "../../parts/Dialog";
import { Notice, useWhy } from "../../parts/Notice";
import { say } from "../../parts/toasts";
import type { DeviceRow } from "./list";

/** Calls that are under way at a time: each is one small commit. */
const AT_A_TIME = 4;

/** Freezes or unfreezes devices, one call each; what failed is told and can be tried again. */
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
  const why = useWhy();
  const client = useQueryClient();
  const isOpen = useRef(true);
  useEffect(() => {
    isOpen.current = true;
    return () => {
      isOpen.current = false;
    };
  }, []);
  const [left, setLeft] = useState(() => rows.filter((row) => row.frozen !== isFreeze));
  const [done, setDone] = useState<number>();
  const [failed, setFailed] = useState<{ count: number; first: string }>();

  const run = async () => {
    const queue = [...left];
    const missed: DeviceRow[] = [];
    let [ended, first] = [0, ""];
    setFailed(undefined);
    setDone(0);
    const work = async () => {
      // Whoever closes the dialog ends it: what is done is done, the rest is not begun.
      for (let row = queue.shift(); row && isOpen.current; row = queue.shift()) {
        const params = { path: { id: row.id }, query: { project: row.project } };
        try {
          await ask(
            isFreeze
              ? api.POST("/api/v1/devices/{id}/freeze", { params })
              : api.POST("/api/v1/devices/{id}/unfreeze", { params }),
          );
        } catch (error) {
          first ||= `${row.name || row.id}: ${why(error)}`;
          missed.push(row);
        }
        ended += 1;
        setDone(ended);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    void client.invalidateQueries({ queryKey: ["devices"] });
    setDone(undefined);
    if (missed.length > 0) {
      setLeft(missed);
      setFailed({ count: missed.length, first });
      return;
    }
    if (isOpen.current) {
      say("good", text.doneAll(formats.number(ended)));
      onDone();
      onClose();
    }
  };

  const count = formats.number(left.length);
  return (
    <Confirm
      title={isFreeze ? text.freezeTitle : text.unfreezeTitle}
      action={isFreeze ? text.freezeDo(count) : text.unfreezeDo(count)}
      isBusy={done !== undefined || left.length === 0}
      onConfirm={() => void run()}
      onClose={onClose}
    >
      <p>{isFreeze ? text.freezeWhat(count) : text.unfreezeWhat(count)}</p>
      {done !== undefined && (
        <p className="numbers">
          <progress value={done} max={left.length} aria-label={text.actions} />{" "}
          {text.progress(formats.number(done), count)}
        </p>
      )}
      {failed && (
        <Notice tone="bad">{text.failedSome(formats.number(failed.count), failed.first)}</Notice>
      )}
    </Confirm>
  );
}
