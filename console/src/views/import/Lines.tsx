import { useMemo, useState } from "react";
import { useFormats, useText } from "../../i18n";
import { Badge } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { saveBlob, saveCsv } from "../../parts/csv";
import { CheckField } from "../../parts/Field";
import { Notice } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { Card } from "../../parts/Page";
import { type Column, Rows } from "../../parts/Rows";
import type { LineError, Run } from "./run";
import { fileOf, idOf, type Line, type Source } from "./source";

/** Up to how many lines those that are right are listed as well. */
const ALL_MAX = 100_000;

/** A line, and what is wrong with it. */
type Shown = { line: Line; errors: readonly LineError[] };

/** What came of each line. */
export function Lines({ source, run }: { source: Source; run: Run }) {
  const { importing: text, parts } = useText();
  const formats = useFormats();
  const isNarrow = useIsNarrow();
  const [isOnlyBad, setOnlyBad] = useState(true);
  const { errors, more } = run.total;
  const byLine = useMemo(() => {
    const found = new Map<number, LineError[]>();
    for (const error of errors) {
      const known = found.get(error.line);
      if (known) {
        known.push(error);
      } else {
        found.set(error.line, [error]);
      }
    }
    return found;
  }, [errors]);
  const isLong = source.lines.length > ALL_MAX;
  const shown = useMemo((): Shown[] => {
    const known = new Set<number>();
    const rows: Shown[] = [];
    for (const line of source.lines) {
      const of = byLine.get(line.line);
      if (of) {
        known.add(line.line);
      }
      if (of || !(isOnlyBad || isLong)) {
        rows.push({ line, errors: of ?? [] });
      }
    }
    // What is wrong with the header stands on a line that is none of a device.
    const others = [...byLine].filter(([line]) => !known.has(line));
    const ofOthers = others.map(([line, of]) => ({
      line: { line, start: 0, end: 0 },
      errors: of,
    }));
    return [...ofOthers, ...rows];
  }, [source, byLine, isOnlyBad, isLong]);
  const standing = useStanding(source, run);
  const columns: Column<Shown>[] = [
    {
      id: "line",
      header: text.line,
      width: "64px",
      cell: ({ line }) => <span className="numbers">{formats.number(line.line)}</span>,
    },
    {
      id: "device",
      header: text.device,
      width: "minmax(100px, 190px)",
      isWideOnly: true,
      cell: ({ line }) => <code>{line.end > 0 && idOf(source, line)}</code>,
    },
    {
      id: "field",
      header: text.field,
      width: "minmax(80px, 130px)",
      isWideOnly: true,
      cell: (row) => row.errors.map((error) => error.field ?? "").join(", "),
    },
    {
      id: "what",
      header: text.what,
      width: "minmax(180px, 3fr)",
      cell: (row) =>
        row.errors.length > 0 ? (
          <span className="import-what" title={row.errors.map((error) => error.detail).join("\n")}>
            {row.errors.map((error) => told(error, isNarrow)).join("; ")}
          </span>
        ) : (
          standing(row.line)
        ),
    },
    {
      id: "error",
      header: text.error,
      width: "minmax(90px, 150px)",
      isWideOnly: true,
      cell: (row) => (
        <code className="quiet">{row.errors.map((error) => error.code).join(", ")}</code>
      ),
    },
  ];
  // What is wrong takes two lines, and four where there is no room beside it.
  const rowHeight = isNarrow ? 88 : 50;
  const stem = source.name.replace(/\.[^.]*$/, "");
  const saveReport = () => {
    const header = ["line", "device", "column", "field", "code", "detail"];
    const lines = new Map(source.lines.map((line) => [line.line, line]));
    const rows = errors.map((error) => {
      const line = lines.get(error.line);
      const id = line ? idOf(source, line) : "";
      return [
        String(error.line),
        id,
        String(error.column ?? ""),
        error.field ?? "",
        error.code,
        error.detail,
      ];
    });
    saveCsv(`${stem}-report.csv`, [header, ...rows]);
  };
  const saveBad = () => {
    const extension = source.kind === "csv" ? "csv" : "jsonl";
    saveBlob(`${stem}-bad.${extension}`, fileOf(source, new Set(byLine.keys())));
  };
  if (errors.length === 0 && (isLong || run.state === "running")) {
    return null;
  }
  return (
    <Card
      title={text.report}
      actions={
        errors.length > 0 && (
          <>
            <Button onClick={saveBad}>{text.saveBad}</Button>
            <Button onClick={saveReport}>{text.saveReport}</Button>
          </>
        )
      }
    >
      {isLong ? (
        <p className="quiet">{text.tooManyLines}</p>
      ) : (
        <CheckField
          label={text.onlyBad}
          checked={isOnlyBad}
          onChange={(event) => setOnlyBad(event.target.checked)}
        />
      )}
      {more > 0 && <Notice tone="warn">{text.moreErrors(formats.number(more))}</Notice>}
      {shown.length === 0 && !isLong && <p className="quiet">{parts.nothing}</p>}
      {shown.length > 0 && (
        <Rows
          label={text.report}
          rows={shown}
          rowKey={({ line }) => String(line.line)}
          columns={columns}
          rowHeight={rowHeight}
          isNarrow={isNarrow}
          height={`min(60vh, ${38 + shown.length * rowHeight}px)`}
        />
      )}
    </Card>
  );
}

/** What is wrong, with the field where that has no column of its own. */
function told({ field, detail }: LineError, isNarrow: boolean): string {
  return isNarrow && field ? `${field}: ${detail}` : detail;
}

/** Gives where a line stands that nothing is wrong with. */
function useStanding(source: Source, run: Run) {
  const { importing: text } = useText();
  return (line: Line) => {
    // Pieces are few and in order.
    const index = source.pieces.findIndex((piece) => line.line <= piece.lastLine);
    if (run.refused.has(index)) {
      return <Badge tone="warn">{text.notTaken}</Badge>;
    }
    if (index >= run.next || run.skipped.has(index)) {
      return <Badge tone="none">{text.notSent}</Badge>;
    }
    return <Badge tone="good">{run.terms.isDry ? text.wouldBe : text.right}</Badge>;
  };
}
