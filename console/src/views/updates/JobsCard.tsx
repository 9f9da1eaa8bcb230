import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useLive } from "../../api/live";
import { useMay } from "../../api/session";
import { useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Skeleton } from "../../parts/Loading";
import { Empty, ProblemNotice } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { Card } from "../../parts/Page";
import { type Column, moreOf, Rows } from "../../parts/Rows";
import { JobBadge } from "../../parts/states";
import { Ago } from "../../parts/Time";
import type { Search } from "../../search";
import { handOver, useUser } from "../new-update/draft";
import { NAMED_MAX } from "../new-update/target";
import { devicesOf, isOver, type Job, type JobFilter, jobsOf, type Update } from "./queries";
import { Radios } from "./Radios";
import { DeviceLink } from "./ReasonTable";

/** The ways in which jobs are asked for. */
const STATES = ["all", "failed", "open", "succeeded"] as const;

/** How many pages are read anew while it goes on. */
const LIVE_PAGES = 2;

/** Its jobs: those that the address asks for. */
export function JobsCard({ update, isKept }: { update: Update; isKept: boolean }) {
  const { update: text, newUpdate, parts } = useText();
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const client = useQueryClient();
  const isNarrow = useIsNarrow();
  const user = useUser();
  const mayAct = useMay("operator", update.project);
  const { code, reason } = search;
  const chosen = STATES.find((each) => each === search.state?.[0]) ?? "all";
  const columns = useColumns(isNarrow);
  const filter = filterOfJobs(chosen, code, reason);
  const list = useInfiniteQuery({
    ...jobsOf(update.id, filter),
    placeholderData: keepPreviousData,
  });
  const pages = list.data?.pages;
  const isOpen = !isOver(update);
  useLive(
    [["update", update.id, "jobs"]],
    ({ devices, updates }) =>
      isOpen && (pages?.length ?? 0) <= LIVE_PAGES && devices.size + updates.size > 0,
    5_000,
  );
  // The last state of all is read once it is over, however much is loaded.
  const wasOpen = useRef(isOpen);
  useEffect(() => {
    if (wasOpen.current && !isOpen) {
      wasOpen.current = false;
      void client.invalidateQueries({ queryKey: ["update", update.id, "jobs"] });
      void client.invalidateQueries({ queryKey: ["update", update.id, "failures"] });
    }
  }, [isOpen, client, update.id]);

  const show = (state: (typeof STATES)[number]) =>
    void navigate({
      to: ".",
      search: (now) => ({
        ...now,
        state: state === "all" ? undefined : [state],
        code: undefined,
        reason: undefined,
      }),
      replace: true,
      resetScroll: false,
    });
  const codes: Record<string, string> = newUpdate.codes;
  const isOfOne = code !== undefined || reason !== undefined;
  const why = code === undefined ? text.oneReason : (codes[code] ?? code);
  const rows = pages?.flatMap((page) => page.jobs) ?? [];
  const again = useMutation({ mutationFn: () => devicesOf(update.id, filter, NAMED_MAX) });
  const beginAgain = (id: string[]) => {
    const { project, rollout } = update;
    const search: Search = { project, kind: rollout?.kind, tab: "list", id };
    void navigate({ to: "/ui/updates/new", search: handOver(search, user) });
  };
  // All of a rollout will have so many in the end; what is below it shall not move until then.
  const isAll = chosen === "all" && !isOfOne;
  const expected =
    isKept && isAll
      ? Math.max(update.jobs.total, (update.rollout?.devices ?? 0) - (update.rollout?.refused ?? 0))
      : rows.length;
  const height = Math.min(560, 44 + 40 * Math.max(1, expected, rows.length));
  return (
    <Card title={<span id="jobs">{text.jobs}</span>}>
      <div className="row">
        <Radios
          legend={text.state}
          isLegendHidden
          value={chosen}
          choices={STATES.map((value) => ({ value, label: text.states[value] }))}
          onChange={show}
        />
        {chosen === "failed" && rows.length > 0 && mayAct && (
          <Button
            isBusy={again.isPending}
            onClick={() => again.mutate(undefined, { onSuccess: beginAgain })}
          >
            {text.againForThese}
          </Button>
        )}
        {isOfOne && (
          <span className="chip">
            {text.codeFilter(why)}
            <button type="button" aria-label={parts.remove(why)} onClick={() => show(chosen)}>
              ✕
            </button>
          </span>
        )}
      </div>
      {again.isError && <ProblemNotice error={again.error} />}
      {list.isError && <ProblemNotice error={list.error} retry={() => void list.refetch()} />}
      {pages === undefined && !list.isError && (
        <Skeleton height={isAll ? Math.max(120, height) : 300} />
      )}
      {pages !== undefined && rows.length === 0 && !list.hasNextPage && (
        <div style={isKept && isAll ? { minHeight: Math.min(300, height) } : {}}>
          <Empty
            action={
              isAll ? undefined : (
                <Button onClick={() => show("all")}>{newUpdate.filters.all}</Button>
              )
            }
          >
            {isAll ? text.jobsNoneAtAll : text.jobsNone}
          </Empty>
        </div>
      )}
      {rows.length > 0 && (
        <Rows
          label={text.jobs}
          rows={rows}
          rowKey={(row) => row.id}
          columns={columns}
          rowHeight={40}
          isNarrow={isNarrow}
          height={`${height}px`}
          total={isAll && list.hasNextPage ? update.jobs.total : undefined}
          rest={text.printRest(update.id)}
          {...moreOf(list)}
        />
      )}
    </Card>
  );
}

/**
 * What is asked of the server for the jobs that the address means: `reason` is a job that failed,
 * and has those alone that failed for just the same.
 */
export function filterOfJobs(
  chosen: (typeof STATES)[number],
  code: string | undefined,
  reason: string | undefined,
): JobFilter {
  return {
    ...(chosen !== "all" && { state: [chosen] }),
    ...(reason !== undefined ? { same_reason_as: reason } : code !== undefined && { code: [code] }),
  };
}

function useColumns(isNarrow: boolean): Column<Job>[] {
  const { update: text } = useText();
  const proofs: Record<string, string> = text.proof;
  return [
    {
      id: "device",
      header: text.device,
      width: isNarrow ? "minmax(0, 1fr)" : "minmax(150px, 1.7fr)",
      cell: ({ project, device }) => <DeviceLink project={project} id={device} />,
    },
    {
      id: "state",
      header: text.state,
      width: isNarrow ? "minmax(0, 1fr)" : "170px",
      cell: ({ state }) => <JobBadge state={state} />,
    },
    {
      id: "detail",
      header: text.detail,
      width: "minmax(160px, 2fr)",
      isWideOnly: true,
      cell: (job) => {
        const said = [
          job.detail ?? (job.proof && (proofs[job.proof] ?? job.proof)),
          job.superseded_by && text.superseded,
          job.stored && text.stored,
        ].filter((each) => each);
        return <span title={said.join(" · ")}>{said.join(" · ")}</span>;
      },
    },
    {
      id: "values",
      header: text.values,
      width: "minmax(140px, 1.4fr)",
      isWideOnly: true,
      cell: ({ patch, record }) => {
        const said = Object.entries({ ...patch, ...record })
          .map(([name, value]) => `${name}=${value}`)
          .join(", ");
        return <code title={said}>{said}</code>;
      },
    },
    {
      id: "ended",
      header: text.endedAt,
      width: "110px",
      isWideOnly: true,
      cell: ({ ended_at: at }) => (at ? <Ago at={at} /> : null),
    },
  ];
}
