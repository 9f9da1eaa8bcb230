import { useMemo, useState } from "react";
import { useFormats, useText } from "../../i18n";
import { Empty } from "../../parts/Notice";
import { Card } from "../../parts/Page";
import { Moment } from "../../parts/Time";
import { Chart } from "./Chart";
import { ATTENTION, type Sample } from "./data";
import { drawn, hourly, nearest, needing, stacked } from "./history";

/** Shorter than this, the history does not yet go back as far as one is kept. */
const WHOLE_MS = 47 * 3_600_000;

/** How many devices needed attention over the last two days: a chart, and the same as a table. */
export function History({ samples }: { samples: readonly Sample[] }) {
  const { overview: text, states } = useText();
  const formats = useFormats();
  const [at, setAt] = useState<number>();
  const data = useMemo(() => stacked(samples), [samples]);
  const first = samples.at(0);
  const last = samples.at(-1);
  if (!first || !last) {
    return (
      <Card title={text.history}>
        <Empty>{text.historyEmpty}</Empty>
      </Card>
    );
  }
  const most = Math.max(...samples.map(needing));
  const pointed = at === undefined ? last : (nearest(samples, at) ?? last);
  return (
    <Card title={text.history}>
      <ul className="history-legend" aria-hidden="true">
        <li className="quiet">{formats.moment(pointed.at)}</li>
        {ATTENTION.map((word) => (
          <li key={word} className="numbers">
            <i data-word={word} />
            {states.attention[word]} <strong>{formats.number(pointed[word])}</strong>
          </li>
        ))}
      </ul>
      <div
        role="img"
        aria-label={
          first === last
            ? text.historyPoint(formats.moment(last.at), formats.number(needing(last)))
            : text.historySummary(
                formats.moment(first.at),
                formats.moment(last.at),
                formats.number(most),
                formats.number(needing(last)),
              )
        }
      >
        <Chart data={data} onPoint={setAt} />
      </div>
      {drawn(samples) < WHOLE_MS && (
        <p className="field-hint">{text.historySince(formats.moment(first.at))}</p>
      )}
      <details>
        <summary>{text.asTable}</summary>
        <HistoryTable samples={samples} />
      </details>
    </Card>
  );
}

function HistoryTable({ samples }: { samples: readonly Sample[] }) {
  const { overview: text, states } = useText();
  const formats = useFormats();
  const rows = useMemo(() => hourly(samples), [samples]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what is scrolled must be reached by keyboard
    <section className="table-frame history-table" aria-label={text.history} tabIndex={0}>
      <table className="table numbers">
        <thead>
          <tr>
            <th scope="col">{text.at}</th>
            {ATTENTION.map((word) => (
              <th key={word} scope="col">
                {states.attention[word]}
              </th>
            ))}
            <th scope="col">{text.total}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((sample) => (
            <tr key={sample.at}>
              <th scope="row">
                <Moment at={sample.at} />
              </th>
              {ATTENTION.map((word) => (
                <td key={word}>{formats.number(sample[word])}</td>
              ))}
              <td>{formats.number(sample.total)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
