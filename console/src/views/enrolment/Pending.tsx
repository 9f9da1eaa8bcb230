import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useMay } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Skeleton } from "../../parts/Loading";
import { Empty, ProblemNotice } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { Card } from "../../parts/Page";
import { type Column, moreOf, Rows } from "../../parts/Rows";
import { Ago } from "../../parts/Time";
import { AcceptCameras } from "./AcceptCameras";
import { type PendingCamera, pendingQuery } from "./query";
import { RejectCameras } from "./RejectCameras";

/** The cameras that wait to be accepted. */
export function Pending({ project }: { project: string }) {
  const { enrolment: text, parts } = useText();
  const formats = useFormats();
  const isNarrow = useIsNarrow();
  const isOperator = useMay("operator", project);
  const query = useInfiniteQuery(pendingQuery(project));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState<"accept" | "accept all" | "reject" | "reject all">();
  const cameras = query.data?.pages.flatMap((page) => page.devices) ?? [];
  // One that has gone in the meantime is chosen no more.
  const ids = cameras.map((camera) => camera.id).filter((id) => chosen.has(id));
  const done = () => setAsking(undefined);
  const columns: Column<PendingCamera>[] = [
    {
      id: "camera",
      header: text.camera,
      width: "minmax(170px, 1fr)",
      cell: (camera) => <code>{camera.id}</code>,
    },
    {
      id: "last",
      header: text.last,
      width: "minmax(80px, 130px)",
      cell: (camera) => <Ago at={camera.last_seen} />,
    },
    {
      id: "first",
      header: text.first,
      width: "130px",
      isWideOnly: true,
      cell: (camera) => <Ago at={camera.first_seen} />,
    },
    {
      id: "from",
      header: text.from,
      width: "minmax(150px, 1fr)",
      isWideOnly: true,
      cell: (camera) => `${camera.remote} (${camera.transport})`,
    },
    {
      id: "agent",
      header: text.agent,
      width: "minmax(120px, 1fr)",
      isWideOnly: true,
      cell: (camera) => camera.user_agent ?? <span className="quiet">{parts.none}</span>,
    },
  ];
  return (
    <Card
      title={text.pending}
      actions={
        isOperator &&
        cameras.length > 0 &&
        (ids.length > 0 ? (
          <>
            <span className="small">{parts.selected(formats.number(ids.length))}</span>
            <Button kind="primary" onClick={() => setAsking("accept")}>
              {text.accept(formats.number(ids.length))}
            </Button>
            <Button kind="danger" onClick={() => setAsking("reject")}>
              {text.reject(formats.number(ids.length))}
            </Button>
          </>
        ) : (
          <>
            <Button kind="primary" onClick={() => setAsking("accept all")}>
              {text.acceptAll}
            </Button>
            <Button kind="danger" onClick={() => setAsking("reject all")}>
              {text.rejectAll}
            </Button>
          </>
        ))
      }
    >
      {query.isError && <ProblemNotice error={query.error} retry={() => void query.refetch()} />}
      {query.isPending && <Skeleton height={220} />}
      {query.data && cameras.length === 0 && (
        <Empty>
          {text.none}
          <br />
          {text.noneHint}
        </Empty>
      )}
      {cameras.length > 0 && (
        <Rows
          label={text.pending}
          rows={cameras}
          rowKey={(camera) => camera.id}
          columns={columns}
          rowHeight={36}
          isNarrow={isNarrow}
          height={`min(60vh, ${38 + cameras.length * 36}px)`}
          choice={
            isOperator ? { chosen: new Set(ids), set: setChosen, name: (id) => id } : undefined
          }
          {...moreOf(query)}
        />
      )}
      {(asking === "accept" || asking === "accept all") && (
        <AcceptCameras
          project={project}
          ids={asking === "accept" ? ids : undefined}
          onClose={done}
        />
      )}
      {(asking === "reject" || asking === "reject all") && (
        <RejectCameras
          project={project}
          ids={asking === "reject" ? ids : undefined}
          onClose={done}
        />
      )}
    </Card>
  );
}
