import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useFormats } from "../../i18n";
import { type Colours, useColours } from "./colours";
import type { Attention } from "./data";
import { LEAST_MS, type Stacked } from "./history";

const HEIGHT = 220;

/** Stripes, so that two areas of one colour are told apart, whatever one sees of colours. */
function stripes(context: CanvasRenderingContext2D, line: string, ground: string) {
  const size = 8 * devicePixelRatio;
  const tile = document.createElement("canvas");
  tile.width = size;
  tile.height = size;
  const pen = tile.getContext("2d");
  if (!pen) {
    return ground;
  }
  pen.fillStyle = ground;
  pen.fillRect(0, 0, size, size);
  pen.strokeStyle = line;
  pen.lineWidth = size / 3;
  for (const from of [-size, 0, size]) {
    pen.moveTo(from, size);
    pen.lineTo(from + size, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat") ?? ground;
}

/** What an area is filled with. */
function filled(word: Attention, colours: Colours) {
  switch (word) {
    case "trouble":
      return colours.bad;
    case "drift":
      return (chart: uPlot) => stripes(chart.ctx, colours.bad, colours.badGround);
    case "restart_pending":
      return colours.warn;
    case "pending":
      return colours.busy;
  }
}

/** Areas on top of each other over time. `onPoint` is told where the pointer is, in milliseconds. */
export function Chart({
  data,
  onPoint,
}: {
  data: Stacked;
  onPoint: (at: number | undefined) => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(undefined);
  const colours = useColours();
  const { clock, number, locale } = useFormats();
  const latest = useRef({ data, onPoint });
  latest.current = { data, onPoint };

  useEffect(() => {
    const frame = place.current;
    if (!frame) {
      return;
    }
    const day = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric" });
    const axis = {
      stroke: colours.text,
      font: `12px ${colours.font}`,
      grid: { stroke: colours.line, width: 1 },
      ticks: { show: false },
    };
    const { data } = latest.current;
    const made = new uPlot(
      {
        width: frame.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
        scales: {
          x: { range: (_, first, last) => [Math.min(first, last - LEAST_MS / 1_000), last] },
          y: { range: (_, __, most) => [0, Math.max(5, Math.ceil(most * 1.1))] },
        },
        axes: [
          {
            ...axis,
            size: 30,
            space: 80,
            values: (_, splits) =>
              splits.map((at) => {
                const moment = new Date(at * 1_000);
                const isDay = moment.getHours() === 0 && moment.getMinutes() === 0;
                return isDay ? day.format(moment) : clock(moment);
              }),
          },
          {
            ...axis,
            size: 52,
            incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4],
            values: (_, splits) => splits.map((value) => number(value)),
          },
        ],
        series: [
          {},
          // The topmost edge is a line too: of a fleet that needs nothing it is all there is.
          ...data.edges.map(({ word }, index) => ({
            fill: filled(word, colours),
            ...(index === 0 ? { stroke: colours.text, width: 1.5 } : { width: 0 }),
            points: { show: false },
          })),
        ],
        hooks: {
          setCursor: [
            ({ cursor, posToVal }) => {
              const left = cursor.left ?? -1;
              latest.current.onPoint(left < 0 ? undefined : posToVal(left, "x") * 1_000);
            },
          ],
        },
      },
      [data.at, ...data.edges.map(({ upper }) => upper)],
      frame,
    );
    chart.current = made;
    const watcher = new ResizeObserver(() =>
      made.setSize({ width: frame.clientWidth, height: HEIGHT }),
    );
    watcher.observe(frame);
    return () => {
      watcher.disconnect();
      made.destroy();
      chart.current = undefined;
    };
  }, [colours, clock, number, locale]);

  useEffect(() => {
    chart.current?.setData([data.at, ...data.edges.map(({ upper }) => upper)]);
  }, [data]);

  return <div ref={place} className="history-chart" />;
}
