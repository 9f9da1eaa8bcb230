import { keepPreviousData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect } from "react";
import { useLive } from "../../api/live";
import { useMay } from "../../api/session";
import { useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Skeleton } from "../../parts/Loading";
import { Empty, ProblemNotice } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { Card } from "../../parts/Page";
import { type Column, Rows } from "../../parts/Rows";
import { JobBadge } from "../../parts/states";
import { Ago } from "../../parts/Time";
import { handOver } from "../new-update/draft";
import { isOver, type Job, jobsOf, type Update } from "./queries";
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
  const mayAct = useMay("operator", update.project);
  const { state, code } = search;
  const columns = useColumns(isNarrow);
  const list = useInfiniteQuery({
    ...jobsOf(update.id, { ...(state && { state }), ...(code && { code: [code] }) }),
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
  useEffect(() => {
    if (!isOpen) {
      void client.invalidateQueries({ queryKey: ["update", update.id, "jobs"] });
      void client.invalidateQueries({ queryKey: ["update", update.id, "failures"] });
    }
  }, [isOpen, client, update.id]);

  const chosen = STATES.find((each) => each === state?.[0]) ?? "all";
  const show = (state: string[] | undefined, code: string | undefined) =>
    void navigate({
      to: ".",
      search: (now) => ({ ...now, state, code }),
      replace: true,
      resetScroll: false,
    });
  const rows = pages?.flatMap((page) => page.jobs) ?? [];
  // All of a rollout will have so many in the end; what is below it shall not move until then.
  const isAll = chosen === "all" && !code;
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
          onChange={(value) => show(value === "all" ? undefined : [value], undefined)}
        />
        {chosen === "failed" && rows.length > 0 && !list.hasNextPage && mayAct && (
          <Button
            onClick={() =>
              void navigate({
                to: "/ui/updates/new",
                search: handOver({
                  project: update.project,
                  kind: update.rollout?.kind,
                  tab: "list",
                  id: [...new Set(rows.map((row) => row.device))],
                }),
              })
            }
          >
            {text.againForThese}
          </Button>
        )}
        {code && (
          <span className="chip">
            {text.codeFilter(code)}
            <button
              type="button"
              aria-label={parts.remove(code)}
              onClick={() => show(state, undefined)}
            >
              ✕
            </button>
          </span>
        )}
      </div>
      {list.isError && <ProblemNotice error={list.error} retry={() => void list.refetch()} />}
      {pages === undefined && !list.isError && (
        <Skeleton height={isAll ? Math.max(120, height) : 300} />
      )}
      {pages !== undefined && rows.length === 0 && !list.hasNextPage && (
        <div style={isKept && isAll ? { minHeight: Math.min(300, height) } : {}}>
          <Empty
            action={
              isAll ? undefined : (
                <Button onClick={() => show(undefined, undefined)}>{newUpdate.filters.all}</Button>
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
          hasMore={list.hasNextPage}
          isLoadingMore={list.isFetchingNextPage}
          onMore={() => void list.fetchNextPage()}
        />
      )}
    </Card>
  );
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
