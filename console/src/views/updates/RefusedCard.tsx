import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import type { components } from "../../api/schema";
import { useText } from "../../i18n";
import { Skeleton } from "../../parts/Loading";
import { ProblemNotice } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { Card } from "../../parts/Page";
import { type Column, moreOf, Rows } from "../../parts/Rows";
import { refusedOf, type Update } from "./queries";
import { DeviceLink } from "./ReasonTable";

type Refused = components["schemas"]["RefusedDevice"];

/** The devices that it refused, and why. */
export function RefusedCard({ update }: { update: Update }) {
  const { update: text, newUpdate } = useText();
  const isNarrow = useIsNarrow();
  const count = update.rollout?.refused ?? 0;
  const list = useInfiniteQuery({
    ...refusedOf(update.id, count),
    placeholderData: keepPreviousData,
  });
  const rows = list.data?.pages.flatMap((page) => page.devices);
  const codes: Record<string, string> = newUpdate.codes;
  const columns: Column<Refused>[] = [
    {
      id: "device",
      header: text.device,
      width: "minmax(0, 1fr)",
      cell: ({ device, error }) => (
        <DeviceLink project={update.project} id={device} code={error.code} />
      ),
    },
    {
      id: "code",
      header: newUpdate.reason,
      width: "minmax(120px, 0.7fr)",
      isWideOnly: true,
      cell: ({ error }) => codes[error.code] ?? error.code,
    },
    {
      id: "detail",
      header: text.detail,
      width: "minmax(0, 2fr)",
      cell: ({ error }) => <span title={error.detail}>{error.detail}</span>,
    },
  ];
  return (
    <Card title={text.refused}>
      <p className="field-hint">{text.refusedHint}</p>
      {list.isError && <ProblemNotice error={list.error} retry={() => void list.refetch()} />}
      {rows === undefined && !list.isError && <Skeleton height={160} />}
      {rows && (
        <Rows
          label={text.refused}
          rows={rows}
          rowKey={(row) => row.device}
          columns={columns}
          rowHeight={36}
          isNarrow={isNarrow}
          height={`${Math.min(320, 44 + 36 * Math.max(1, rows.length))}px`}
          {...moreOf(list)}
        />
      )}
    </Card>
  );
}
