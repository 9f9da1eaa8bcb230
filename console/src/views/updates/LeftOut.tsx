import type { components } from "../../api/schema";
import { useFormats, useText } from "../../i18n";
import { Rows } from "../../parts/Rows";

const ROW = 34;

/** What a revert leaves as it is, and why: the first of it where it is much. */
export function LeftOut({
  left,
  total,
}: {
  left: readonly components["schemas"]["LeftOut"][];
  total: number;
}) {
  const { update: text, newUpdate } = useText();
  const formats = useFormats();
  if (total === 0) {
    return null;
  }
  const title = text.leftOut(formats.number(total));
  return (
    <>
      <h3>{title}</h3>
      {total > left.length && <p className="field-hint">{text.leftOutFirst}</p>}
      <Rows
        label={title}
        rows={left}
        rowKey={(each) => `${each.device}/${each.property ?? ""}`}
        columns={[
          {
            id: "device",
            header: text.device,
            width: "minmax(0, 1fr)",
            cell: (each) => <span title={each.device}>{each.device}</span>,
          },
          {
            id: "property",
            header: newUpdate.property,
            width: "minmax(0, 1fr)",
            cell: (each) => (
              <span title={each.property ?? undefined}>{each.property ?? text.wholeDevice}</span>
            ),
          },
          {
            id: "why",
            header: text.leftOutWhy,
            width: "minmax(0, 2fr)",
            cell: (each) => <span title={each.why}>{each.why}</span>,
          },
        ]}
        rowHeight={ROW}
        isNarrow={false}
        height={`${Math.min(320, 44 + ROW * left.length)}px`}
      />
    </>
  );
}
