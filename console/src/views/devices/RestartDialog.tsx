import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { api, ask, change } from "../../api/client";
import type { components } from "../../api/schema";
import { useFormats, useText } from "../../i18n";
import { FormDialog } from "../../parts/FormDialog";
import { Skeleton } from "../../parts/Loading";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { say } from "../../parts/toasts";
import { addUp, sum } from "./foreseen";
import { restartOf, type Target } from "./target";

type NewUpdate = components["schemas"]["NewUpdate"];

/** How many reasons are named. */
const REASONS_SHOWN = 10;

/** What a dry run says of one page of its devices, and where the next begins. */
async function tryPage(body: NewUpdate, after: string | undefined, signal: AbortSignal) {
  const answer = await ask(
    api.POST("/api/v1/updates", { body: { ...body, dry_run: true, after }, signal }),
  );
  if (!("next" in answer)) {
    throw new Error("a dry run answers with what would be done");
  }
  return { foreseen: addUp(answer.devices), next: answer.next ?? undefined };
}

/** Restarts phones, once it was said how many and which will not be. */
export function RestartDialog({
  target,
  onClose,
  onDone,
}: {
  target: Target;
  onClose: () => void;
  onDone: () => void;
}) {
  const { devices: text, parts } = useText();
  const formats = useFormats();
  const client = useQueryClient();
  const body = restartOf(target);
  const trial = useInfiniteQuery({
    queryKey: ["trial of a restart", body],
    queryFn: ({ pageParam, signal }) =>
      body ? tryPage(body, pageParam, signal) : Promise.reject(new Error("nothing to restart")),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
    // What it says is true of now.
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  const { hasNextPage, isFetchingNextPage, fetchNextPage, isError } = trial;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && !isError) {
      void fetchNextPage();
    }
  }, [hasNextPage, isFetchingNextPage, isError, fetchNextPage]);

  const start = useMutation({
    mutationFn: async (body: NewUpdate) =>
      change((header) => api.POST("/api/v1/updates", { params: { header }, body })),
    onSuccess: (answer) => {
      const id = "id" in answer ? answer.id : undefined;
      say(
        "good",
        <>
          {text.restartBegun}{" "}
          {id && (
            <Link to="/ui/updates/$id" params={{ id }} search={{ project: body?.project }}>
              {text.toUpdate}
            </Link>
          )}
        </>,
      );
      void client.invalidateQueries({ queryKey: ["updates"] });
      onDone();
      onClose();
    },
  });

  const foreseen = sum(trial.data?.pages.map((page) => page.foreseen) ?? []);
  const isKnown = trial.data !== undefined && !hasNextPage;
  const count = formats.number(foreseen.accepted);
  return (
    <FormDialog
      title={text.restartTitle}
      action={text.restartDo(isKnown ? count : "…")}
      isDangerous
      isBusy={start.isPending}
      isReady={isKnown && foreseen.accepted > 0}
      error={start.error}
      onSubmit={() => body && start.mutate(body)}
      onClose={onClose}
    >
      {trial.isError && <ProblemNotice error={trial.error} retry={() => void trial.refetch()} />}
      {!isKnown && !trial.isError && (
        <div className="column" aria-live="polite">
          <p>{text.restartLooking(formats.number(foreseen.accepted + foreseen.refused))}</p>
          <Skeleton height={24} />
        </div>
      )}
      {isKnown && (
        <>
          <p>{foreseen.accepted > 0 ? text.restartCount(count) : text.restartNone}</p>
          {foreseen.away > 0 && <p>{text.restartAway(formats.number(foreseen.away))}</p>}
          {foreseen.refused > 0 && (
            <Notice tone="warn">
              {text.restartRefused(formats.number(foreseen.refused))}
              <ul>
                {foreseen.reasons.slice(0, REASONS_SHOWN).map(({ why, count }) => (
                  <li key={why}>
                    {formats.number(count)} × {why}
                  </li>
                ))}
              </ul>
              {foreseen.reasons.length > REASONS_SHOWN &&
                parts.more(formats.number(foreseen.reasons.length - REASONS_SHOWN))}
            </Notice>
          )}
          {foreseen.accepted > 1 && <p className="quiet">{text.restartWaves}</p>}
        </>
      )}
    </FormDialog>
  );
}
