import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useLive } from "../../api/live";
import { useMay } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { useProject } from "../../layout/project";
import { ButtonLink } from "../../parts/Button";
import { Skeleton } from "../../parts/Loading";
import { Empty, ProblemNotice } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { Page } from "../../parts/Page";
import { type Column, moreOf, Rows } from "../../parts/Rows";
import { PhaseBadge } from "../../parts/states";
import { Ago } from "../../parts/Time";
import "../../styles/updates.css";
import { ProgressMeter, ProgressNumbers, UpdatePhase } from "./Progress";
import { type UpdateHead, updateList, updateOf } from "./queries";

/** How many pages are read anew when there is something new: who has gone further back reads old ones. */
const LIVE_PAGES = 3;

/** All updates, newest first. */
export function Updates() {
  const { update: text } = useText();
  const formats = useFormats();
  const project = useProject();
  const isNarrow = useIsNarrow();
  const mayStart = useMay("operator", project);
  const list = useInfiniteQuery(updateList(project));
  const pages = list.data?.pages;
  useLive(
    [["updates"]],
    (happened) => happened.updates.size > 0 && (pages?.length ?? 0) <= LIVE_PAGES,
    2_000,
  );
  const rows = pages?.flatMap((page) => page.updates) ?? [];
  const doors: Record<string, string> = text.doors;
  const columns: Column<UpdateHead>[] = [
    {
      id: "when",
      header: text.when,
      width: isNarrow ? "minmax(0, 1.6fr)" : "190px",
      cell: (row) => (
        <>
          <Link
            to="/ui/updates/$id"
            params={{ id: row.id }}
            search={{ project }}
            title={row.id}
            className="numbers"
          >
            {formats.moment(row.accepted_at)}
          </Link>
          {isNarrow && (
            <div className="small">
              <What id={row.id} />
            </div>
          )}
          {isNarrow && <Progress id={row.id} isShort />}
        </>
      ),
    },
    {
      id: "phase",
      header: text.phase,
      width: isNarrow ? "minmax(0, 1.35fr)" : "170px",
      cell: (row) => <Phase row={row} />,
    },
    {
      id: "progress",
      header: text.progress,
      width: "minmax(220px, 2.6fr)",
      isWideOnly: true,
      cell: (row) => <Progress id={row.id} />,
    },
    {
      id: "what",
      header: text.what,
      width: "minmax(140px, 1.4fr)",
      isWideOnly: true,
      cell: (row) => <What id={row.id} />,
    },
    {
      id: "who",
      header: text.who,
      width: "minmax(140px, 0.9fr)",
      isWideOnly: true,
      cell: (row) => (
        <>
          {row.actor} <span className="quiet">· {doors[row.door] ?? row.door}</span>
        </>
      ),
    },
    ...(project === undefined
      ? [
          {
            id: "project",
            header: text.project,
            width: "minmax(80px, 0.6fr)",
            isWideOnly: true,
            cell: (row: UpdateHead) => row.project,
          },
        ]
      : []),
    {
      id: "ago",
      header: text.age,
      width: "100px",
      isWideOnly: true,
      cell: (row) => (
        <span className="quiet">
          <Ago at={row.accepted_at} />
        </span>
      ),
    },
  ];
  const begin = mayStart && (
    <ButtonLink to="/ui/updates/new" search={{ project }} kind="primary">
      {text.newOne}
    </ButtonLink>
  );
  return (
    <Page title={text.title} actions={begin}>
      {list.isError && <ProblemNotice error={list.error} retry={() => void list.refetch()} />}
      {pages === undefined && !list.isError && <Skeleton height={480} />}
      {pages !== undefined && rows.length === 0 && !list.hasNextPage && (
        <Empty action={begin}>{text.empty}</Empty>
      )}
      {pages !== undefined && (rows.length > 0 || list.hasNextPage) && (
        <Rows
          label={text.title}
          rows={rows}
          rowKey={(row) => row.id}
          columns={columns}
          rowHeight={isNarrow ? 76 : 44}
          isNarrow={isNarrow}
          height="calc(100dvh - 150px)"
          isPrintedInSight
          {...moreOf(list)}
        />
      )}
    </Page>
  );
}

// Each row that is in sight reads how far its update has come; the list itself does not say.

/** Where it stands: the list says it of when it was read, save whether jobs are open. */
function Phase({ row: { id, phase } }: { row: UpdateHead }) {
  const { data } = useQuery(updateOf(id));
  if (data) {
    return <UpdatePhase update={data} />;
  }
  return typeof phase === "string" && phase !== "done" ? <PhaseBadge phase={phase} /> : null;
}

function Progress({ id, isShort = false }: { id: string; isShort?: boolean }) {
  const { data } = useQuery(updateOf(id));
  if (data && isShort) {
    return (
      <div className="quiet">
        <ProgressNumbers update={data} />
      </div>
    );
  }
  return (
    data && (
      <div className="update-rows-progress">
        <ProgressMeter update={data} />
        <ProgressNumbers update={data} />
      </div>
    )
  );
}

function What({ id }: { id: string }) {
  const { data } = useQuery(updateOf(id));
  const { update: text } = useText();
  const rollout = data?.rollout;
  if (!rollout) {
    return null;
  }
  const operations: Record<string, string> = text.operations;
  const set = Object.entries(rollout.set).map(([name, value]) => `${name}=${value}`);
  const said = [
    ...(rollout.revert_of ? [text.revertOf] : []),
    ...(rollout.operation === "update" ? [] : [operations[rollout.operation]]),
    ...set,
  ].join(", ");
  return <span title={said}>{said}</span>;
}
