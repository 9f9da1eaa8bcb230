import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { api, ask } from "../../api/client";
import { useIsServerAdmin } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import type { Messages } from "../../i18n/messages";
import { ButtonLink } from "../../parts/Button";
import { Loaded } from "../../parts/Loading";
import { Empty, Notice } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { Card, Page } from "../../parts/Page";
import { type Column, Rows } from "../../parts/Rows";
import { Ago } from "../../parts/Time";
import { type Reason, type Refused, reasonsOf } from "./reasons";
import "../../styles/registrations.css";

/** How often they are read anew: no event tells of them. */
const READ_EVERY_MS = 10_000;

/** Cameras that were refused: why, and what to do about each reason. */
export function Registrations() {
  const { registrations: text } = useText();
  const isServerAdmin = useIsServerAdmin();
  return (
    <Page title={text.title} note={text.note}>
      {isServerAdmin ? <Refusals /> : <Notice tone="warn">{text.adminOnly}</Notice>}
    </Page>
  );
}

function Refusals() {
  const { registrations: text } = useText();
  const query = useQuery({
    queryKey: ["registrations", "refused"],
    queryFn: async ({ signal }) =>
      (await ask(api.GET("/api/v1/registrations/refused", { signal }))).registrations,
    refetchInterval: READ_EVERY_MS,
  });
  return (
    <Loaded query={query} height={480}>
      {(refused) =>
        refused.length === 0 ? <Empty>{text.none}</Empty> : <Listed refused={refused} />
      }
    </Loaded>
  );
}

/** The reasons, each of which narrows the list, and the list. */
function Listed({ refused }: { refused: readonly Refused[] }) {
  const text = useText();
  const formats = useFormats();
  const isNarrow = useIsNarrow();
  const rowHeight = isNarrow ? 80 : 52;
  const { code, project } = useSearch({ strict: false });
  const reasons = useMemo(() => reasonsOf(refused), [refused]);
  const rows = useMemo(
    () => (code === undefined ? refused : refused.filter(({ why }) => why === code)),
    [refused, code],
  );
  const columns = useMemo(() => columnsOf(text, formats.number), [text, formats]);
  const { registrations: words } = text;
  return (
    <>
      <Card title={words.reasons}>
        <ul className="refusal-reasons">
          {reasons.map((reason) => (
            <ReasonLine key={reason.why} reason={reason} isChosen={reason.why === code} />
          ))}
        </ul>
      </Card>
      <div className="row">
        <p className="quiet numbers" role="status">
          {code === undefined
            ? words.showing(formats.number(rows.length))
            : words.of(formats.number(rows.length), formats.number(refused.length))}
        </p>
        {code !== undefined && (
          <ButtonLink to="/ui/registrations" search={{ project }} kind="plain" resetScroll={false}>
            {words.showAll}
          </ButtonLink>
        )}
      </div>
      {rows.length === 0 ? (
        <Empty>{words.noneOfReason}</Empty>
      ) : (
        <Rows<Refused>
          label={words.list}
          rows={rows}
          rowKey={({ id, remote, why }) => `${id} ${remote} ${why}`}
          columns={columns}
          rowHeight={rowHeight}
          isNarrow={isNarrow}
          height={`min(max(360px, 60vh), ${rows.length * rowHeight + 38}px)`}
        />
      )}
    </>
  );
}

/** A reason: how many cameras it is about, what to do, and where. */
function ReasonLine({ reason, isChosen }: { reason: Reason; isChosen: boolean }) {
  const { registrations: text, enrolment, importing } = useText();
  const formats = useFormats();
  const { project } = useSearch({ strict: false });
  const advice: Record<string, string> = text.advice;
  const { why, cameras } = reason;
  return (
    <li>
      <Link
        to="/ui/registrations"
        search={{ project, code: isChosen ? undefined : why }}
        resetScroll={false}
        className="refusal-reason"
        aria-current={isChosen ? "true" : undefined}
      >
        {reason.text}
      </Link>
      <span className="quiet small numbers">
        {text.cameras(formats.number(cameras))} · <Ago at={reason.last} />
      </span>
      <p>
        {advice[why]}{" "}
        {why === "unknown_id" && (
          <Link to="/ui/import" search={{ project }}>
            {importing.title}
          </Link>
        )}{" "}
        {(why === "unknown_id" || why === "pending") && (
          <Link to="/ui/enrolment" search={{ project }}>
            {enrolment.title}
          </Link>
        )}
      </p>
    </li>
  );
}

function columnsOf(
  { registrations: text }: Messages,
  number: (value: number) => string,
): Column<Refused>[] {
  return [
    {
      id: "id",
      header: text.columns.id,
      width: "minmax(168px, 1fr)",
      cell: ({ id, remote }) => (
        <div className="two-lines">
          {/* Of whichever project: a registration is of none. */}
          <Link
            to="/ui/devices"
            search={{ text: id }}
            className="mono"
            title={text.find(id)}
            preload={false}
          >
            {id}
          </Link>
          <span className="small quiet refusal-narrow">{remote}</span>
        </div>
      ),
    },
    {
      id: "why",
      header: text.columns.why,
      width: "minmax(0, 2.4fr)",
      cell: ({ text: told, detail, count }) => (
        <div className="two-lines">
          <span className="refusal-why" title={told}>
            {told}
          </span>
          <span className="small quiet" title={detail}>
            <span className="refusal-narrow">{text.times(number(count))} </span>
            {detail}
          </span>
        </div>
      ),
    },
    {
      id: "from",
      header: text.columns.from,
      width: "minmax(0, 1fr)",
      isWideOnly: true,
      cell: ({ transport, remote }) => (
        <span className="mono" title={`${transport} ${remote}`}>
          {transport} {remote}
        </span>
      ),
    },
    {
      id: "count",
      header: text.columns.count,
      width: "72px",
      isWideOnly: true,
      cell: ({ count }) => <span className="numbers">{number(count)}</span>,
    },
    {
      id: "last",
      header: text.columns.last,
      width: "minmax(76px, 108px)",
      isWideOnly: true,
      cell: ({ at }) => <Ago at={at} />,
    },
  ];
}
