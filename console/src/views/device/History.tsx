import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { Skeleton } from "../../parts/Loading";
import { Empty, ProblemNotice } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { type Column, moreOf, Rows } from "../../parts/Rows";
import { JobBadge } from "../../parts/states";
import { Ago, Moment } from "../../parts/Time";
import { type Change, historyOf, useSubject } from "./data";
import { Pair } from "./Facts";
import { operationWord } from "./Reasons";
import { RevertDialog } from "./Revert";
import { By, UpdateLink } from "./UpdateLink";
import { Value } from "./Value";

const HEIGHT = 420;

/** What was asked of the device, newest first, and the way back. */
export function History() {
  const { ref, device, mayOperate } = useSubject();
  const { device: text } = useText();
  const isNarrow = useIsNarrow();
  const query = useInfiniteQuery(historyOf(ref));
  const changes = useMemo(
    () => query.data?.pages.flatMap((page) => page.changes) ?? [],
    [query.data],
  );
  const [shown, setShown] = useState<Change | null>(null);
  const [to, setTo] = useState<number | null>(null);
  const mayRevert = mayOperate && !device.frozen;
  const columns = useColumns(setShown, mayRevert ? setTo : undefined);
  const rowHeight = isNarrow ? 84 : 56;
  const retry = () => void (query.isFetchNextPageError ? query.fetchNextPage() : query.refetch());
  if (query.data === undefined) {
    return query.isError ? (
      <ProblemNotice error={query.error} retry={retry} />
    ) : (
      <Skeleton height={HEIGHT} />
    );
  }
  if (changes.length === 0) {
    return <Empty>{text.historyNothing}</Empty>;
  }
  return (
    <>
      {query.isError && <ProblemNotice error={query.error} retry={retry} />}
      {mayRevert && device.revision > 0 && (
        <div className="row">
          <Button onClick={() => setTo(device.revision - 1)}>{text.undoLast}</Button>
        </div>
      )}
      <Rows
        label={text.tabHistory}
        rows={changes}
        rowKey={(change) => change.job}
        columns={columns}
        rowHeight={rowHeight}
        height={query.hasNextPage ? undefined : `min(60vh, ${changes.length * rowHeight + 38}px)`}
        isNarrow={isNarrow}
        {...moreOf(query)}
      />
      {shown && (
        <Details
          change={shown}
          onBack={
            mayRevert && shown.revision !== device.revision
              ? () => {
                  setShown(null);
                  setTo(shown.revision);
                }
              : undefined
          }
          onClose={() => setShown(null)}
        />
      )}
      {to !== null && <RevertDialog to={to} onClose={() => setTo(null)} />}
    </>
  );
}

function useColumns(
  onShow: (change: Change) => void,
  onBack: ((revision: number) => void) | undefined,
): Column<Change>[] {
  const { ref, device } = useSubject();
  const { device: text } = useText();
  const formats = useFormats();
  const isNarrow = useIsNarrow();
  const link = (change: Change) => (
    <UpdateLink
      id={change.update}
      rollout={change.rollout}
      project={ref.project}
      label={`${operationWord(text, change.operation)} · ${text.revision(formats.number(change.revision))}`}
    />
  );
  const back = (change: Change) =>
    change.revision === device.revision ? (
      <span className="small quiet">{text.current}</span>
    ) : (
      onBack && (
        <Button
          kind="plain"
          aria-label={text.goBackTo(formats.number(change.revision))}
          onClick={() => onBack(change.revision)}
        >
          {text.goBack}
        </Button>
      )
    );
  const details = (change: Change) => (
    <Button
      kind="plain"
      aria-label={text.detailsOf(formats.number(change.revision))}
      onClick={() => onShow(change)}
    >
      {text.details}
    </Button>
  );
  return [
    {
      id: "change",
      header: text.change,
      width: "minmax(150px, 1.2fr)",
      cell: (change) => (
        <>
          <div>{link(change)}</div>
          <div className="small quiet device-clip">
            {isNarrow && <Ago at={change.accepted_at} />}{" "}
            <By actor={change.actor} door={change.door} />
          </div>
          {isNarrow && <div className="small device-clip">{inALine(change, text)}</div>}
        </>
      ),
    },
    {
      id: "when",
      header: text.when,
      width: "120px",
      isWideOnly: true,
      cell: (change) => <Ago at={change.accepted_at} />,
    },
    {
      id: "what",
      header: text.what,
      width: "minmax(160px, 2fr)",
      isWideOnly: true,
      cell: (change) => {
        const told = inALine(change, text);
        return (
          <>
            <div className="device-clip" title={told}>
              {told}
            </div>
            {change.detail && (
              <div className="small quiet device-clip" title={change.detail}>
                {change.detail}
              </div>
            )}
          </>
        );
      },
    },
    {
      id: "state",
      header: text.state,
      width: "140px",
      isWideOnly: true,
      cell: (change) => <JobBadge state={change.state} />,
    },
    {
      id: "acts",
      header: <span className="heard">{text.details}</span>,
      width: isNarrow ? "104px" : "216px",
      cell: (change) => (
        <div className={isNarrow ? "device-row-acts device-stacked" : "device-row-acts"}>
          {isNarrow && <JobBadge state={change.state} />}
          {details(change)}
          {!isNarrow && back(change)}
        </div>
      ),
    },
  ];
}

/** What a change asked for, in a line. */
function inALine(change: Change, text: { noChange: string; forgotten: string }): string {
  if (change.values.length === 0) {
    return text.noChange;
  }
  return change.values.map(({ name, to }) => `${name} = ${to ?? text.forgotten}`).join(", ");
}

/** All of a change: each value that it asked for beside what there was before. */
function Details({
  change,
  onBack,
  onClose,
}: {
  change: Change;
  onBack?: () => void;
  onClose: () => void;
}) {
  const { ref } = useSubject();
  const { device: text, parts } = useText();
  const formats = useFormats();
  const hasNames = change.values.some((value) => value.name_before != null);
  return (
    <Dialog title={text.revision(formats.number(change.revision))} onClose={onClose} width={760}>
      <dl className="pairs">
        <Pair name={text.update}>
          <UpdateLink
            id={change.update}
            rollout={change.rollout}
            project={ref.project}
            label={`${operationWord(text, change.operation)} ${change.rollout ?? change.update}`}
          />
        </Pair>
        <Pair name={text.who}>
          <By actor={change.actor} door={change.door} />
        </Pair>
        <Pair name={text.accepted_at}>
          <Moment at={change.accepted_at} />
        </Pair>
        <Pair name={text.ended}>{change.ended_at && <Moment at={change.ended_at} />}</Pair>
        <Pair name={text.state}>
          <JobBadge state={change.state} />
        </Pair>
        <Pair name={text.job}>
          <code className="break">{change.job}</code>
        </Pair>
      </dl>
      {change.detail && <p className="break">{change.detail}</p>}
      {change.values.length > 0 && (
        <div className="table-frame">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{text.property}</th>
                <th scope="col">{text.to}</th>
                <th scope="col">{text.desiredBefore}</th>
                <th scope="col">{text.shownBefore}</th>
                {hasNames && <th scope="col">{text.nameBefore}</th>}
              </tr>
            </thead>
            <tbody>
              {change.values.map((value) => (
                <tr key={value.name}>
                  <td>
                    <code className="break">{value.name}</code>
                  </td>
                  <td>
                    {value.to == null ? (
                      <span className="quiet">{text.forgotten}</span>
                    ) : (
                      <Value value={value.to} />
                    )}
                  </td>
                  <td>
                    <Before value={value.desired_before} />
                  </td>
                  <td>
                    <Before value={value.shown_before} />
                  </td>
                  {hasNames && (
                    <td>
                      <Before value={value.name_before} />
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div className="dialog-actions">
        {onBack && (
          <Button onClick={onBack}>{text.goBackTo(formats.number(change.revision))}</Button>
        )}
        <Button onClick={onClose}>{parts.close}</Button>
      </div>
    </Dialog>
  );
}

function Before({ value }: { value: string | null | undefined }) {
  const { parts } = useText();
  return value == null ? <span className="quiet">{parts.none}</span> : <Value value={value} />;
}
