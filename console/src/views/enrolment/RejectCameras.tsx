import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, change } from "../../api/client";
import { useFormats, useText } from "../../i18n";
import { TextField } from "../../parts/Field";
import { FormDialog } from "../../parts/FormDialog";
import { say } from "../../parts/toasts";
import { PER_CALL } from "./accept";

/** The most that may wait in a project; so many calls at most make an end of "all". */
const CALLS_MAX = 11;

/** Rejects the named cameras, or all. */
export function RejectCameras({
  project,
  ids: given,
  onClose,
}: {
  project: string;
  /** Which; all unless given. */
  ids: readonly string[] | undefined;
  onClose: () => void;
}) {
  const { enrolment: text } = useText();
  const formats = useFormats();
  const client = useQueryClient();
  const [ids] = useState(given);
  const [prefix, setPrefix] = useState("");
  const isPrefixRight = /^\d{0,20}$/.test(prefix);
  const reject = useMutation({
    mutationFn: async () => {
      let count = 0;
      for (let call = 0; call < CALLS_MAX; call += 1) {
        const named = ids?.slice(call * PER_CALL, (call + 1) * PER_CALL);
        if (named?.length === 0) {
          break;
        }
        const body = named
          ? { devices: [...named] }
          : { all: true, prefix: prefix === "" ? undefined : prefix };
        const answer = await change((header) =>
          api.POST("/api/v1/projects/{project}/pending/reject", {
            params: { path: { project }, header },
            body,
          }),
        );
        count += answer.rejected;
        if (!named && !answer.more) {
          break;
        }
      }
      return count;
    },
    onSuccess: (count) => {
      say("good", text.rejected(formats.number(count)));
      onClose();
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["pending", project] }),
  });
  return (
    <FormDialog
      title={ids ? text.rejectTitle(formats.number(ids.length)) : text.rejectAllTitle}
      action={text.rejectAction}
      isDangerous
      isBusy={reject.isPending}
      error={reject.error}
      isReady={isPrefixRight}
      onSubmit={() => reject.mutate()}
      onClose={onClose}
    >
      <p>{text.rejectWhat}</p>
      {!ids && (
        <TextField
          label={text.prefix}
          hint={text.prefixHint}
          error={isPrefixRight ? undefined : text.prefixHint}
          inputMode="numeric"
          value={prefix}
          onChange={(event) => setPrefix(event.target.value)}
        />
      )}
    </FormDialog>
  );
}
