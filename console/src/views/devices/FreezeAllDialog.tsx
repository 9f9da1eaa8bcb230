import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ask, change } from "../../api/client";
import { useFormats, useText } from "../../i18n";
import { FormDialog } from "../../parts/FormDialog";
import { Skeleton } from "../../parts/Loading";
import { ProblemNotice } from "../../parts/Notice";
import { say } from "../../parts/toasts";
import type { Freezing } from "./target";

/** Freezes all devices that a filter means, or ends that, once it was said how many. */
export function FreezeAllDialog({
  freezing: { project, ...selection },
  isFreeze,
  onClose,
  onDone,
}: {
  freezing: Freezing;
  isFreeze: boolean;
  onClose: () => void;
  onDone: () => void;
}) {
  const { devices: text } = useText();
  const formats = useFormats();
  const client = useQueryClient();
  const path = { project };
  const trial = useQuery({
    queryKey: ["trial of freezing", project, selection, isFreeze],
    queryFn: ({ signal }) => {
      const asked = { params: { path }, body: { ...selection, dry_run: true }, signal };
      return ask(
        isFreeze
          ? api.POST("/api/v1/projects/{project}/freeze", asked)
          : api.POST("/api/v1/projects/{project}/unfreeze", asked),
      );
    },
    // What it says is true of now.
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  const freeze = useMutation({
    mutationFn: () =>
      change((header) => {
        const asked = { params: { path, header }, body: selection };
        return isFreeze
          ? api.POST("/api/v1/projects/{project}/freeze", asked)
          : api.POST("/api/v1/projects/{project}/unfreeze", asked);
      }),
    onSuccess: ({ changed }) => {
      void client.invalidateQueries({ queryKey: ["devices"] });
      const count = formats.number(changed);
      say("good", isFreeze ? text.frozenAll(count) : text.unfrozenAll(count));
      onDone();
      onClose();
    },
  });
  const { changed = 0, devices = 0 } = trial.data ?? {};
  const count = trial.data ? formats.number(changed) : "…";
  const others = devices - changed;
  return (
    <FormDialog
      title={isFreeze ? text.freezeTitle : text.unfreezeTitle}
      action={isFreeze ? text.freezeDo(count) : text.unfreezeDo(count)}
      isBusy={freeze.isPending}
      error={freeze.error}
      isReady={changed > 0}
      onSubmit={() => freeze.mutate()}
      onClose={onClose}
    >
      {trial.isError && <ProblemNotice error={trial.error} retry={() => void trial.refetch()} />}
      {trial.isPending && <Skeleton height={24} />}
      {changed > 0 && <p>{isFreeze ? text.freezeWhat(count) : text.unfreezeWhat(count)}</p>}
      {trial.data && (others > 0 || changed === 0) && (
        <p>
          {isFreeze
            ? text.alreadyFrozen(formats.number(others))
            : text.alreadyUnfrozen(formats.number(others))}
        </p>
      )}
    </FormDialog>
  );
}
