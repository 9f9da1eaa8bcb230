import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactNode, useMemo, useState } from "react";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { TextField } from "../../parts/Field";
import { Empty } from "../../parts/Notice";
import { Card } from "../../parts/Page";
import { usePrinting } from "../../parts/printing";
import { useTypedAlong } from "../../parts/typed";
import { catalogueOf, explanationOf, useSubject } from "./data";
import { EditValue } from "./Edit";
import { ValueTable } from "./ValueTable";
import { matching, propertyOf, valueRows } from "./values";

/** Rows that are drawn unless all are asked for; and the most that are drawn at all. */
const SHOWN_FIRST = 100;
const SHOWN_MAX = 400;

/** From how many rows on one may look for some. */
const FIND_FROM = 8;

/** What is looked for in the names and values; it stands in the address. */
export function useFind(): [string, (text: string) => void] {
  const kept = useSearch({ strict: false }).text ?? "";
  const navigate = useNavigate();
  const { typed, type } = useTypedAlong(
    kept,
    (typed) =>
      void navigate({
        to: ".",
        replace: true,
        resetScroll: false,
        search: (search) => ({ ...search, text: typed || undefined }),
      }),
  );
  return [typed, type];
}

/** Where one says what is looked for: not among a few, unless something is looked for already. */
export function FindField({
  find,
  setFind,
  among,
}: {
  find: string;
  setFind: (text: string) => void;
  /** How many there are in all. */
  among: number;
}) {
  const { device: text } = useText();
  return among >= FIND_FROM || find !== "" ? (
    <TextField
      label={text.find}
      type="search"
      value={find}
      onChange={(event) => setFind(event.target.value)}
    />
  ) : null;
}

/**
 * Draws at most so many rows, offers the next, and says how many are not shown. On paper, where
 * nothing can be pressed, are those that could be.
 */
export function useBounded<T>(rows: readonly T[]): { shown: readonly T[]; more: ReactNode } {
  const { device: text, parts } = useText();
  const formats = useFormats();
  const [isAll, setAll] = useState(false);
  const isPrinting = usePrinting() !== undefined;
  const shown = rows.slice(0, isAll || isPrinting ? SHOWN_MAX : SHOWN_FIRST);
  const next = Math.min(rows.length, SHOWN_MAX) - shown.length;
  const rest = rows.length - shown.length;
  return {
    shown,
    more:
      next > 0 ? (
        <div className="row">
          <Button onClick={() => setAll(true)}>{parts.more(formats.number(next))}</Button>
        </div>
      ) : rest > 0 ? (
        <p className="quiet">{text.notShown(formats.number(rest))}</p>
      ) : null,
  };
}

/** What is desired, reported and waits, side by side, one row a property. */
export function Values() {
  const { ref, device, mayOperate } = useSubject();
  const { device: text } = useText();
  const explanation = useQuery(explanationOf(ref));
  const catalogue = useQuery(catalogueOf(device.profile));
  const explained = explanation.data?.values;
  const rows = useMemo(() => valueRows(device, explained), [device, explained]);
  const [find, setFind] = useFind();
  const found = matching(rows, find, (row) => [
    row.name,
    row.desired ?? "",
    row.reported?.value ?? "",
    propertyOf(catalogue.data?.properties, row.name)?.meaning ?? "",
  ]);
  const { shown, more } = useBounded(found);
  const [edited, setEdited] = useState<string | null>(null);
  const [isAdding, setAdding] = useState(false);
  const mayEdit = mayOperate && !device.frozen;
  return (
    <Card
      title={text.values}
      actions={
        mayEdit && (
          <Button aria-expanded={isAdding} onClick={() => setAdding(!isAdding)}>
            {text.setProperty}
          </Button>
        )
      }
    >
      {isAdding && <EditValue name={null} value="" onClose={() => setAdding(false)} />}
      <FindField find={find} setFind={setFind} among={rows.length} />
      {rows.length === 0 ? (
        <Empty>{mayEdit ? text.noValues : text.noValuesRead}</Empty>
      ) : found.length === 0 ? (
        <Empty>{text.noneFound}</Empty>
      ) : (
        <ValueTable
          rows={shown}
          properties={catalogue.data?.properties}
          edited={edited}
          onEdit={mayEdit ? setEdited : undefined}
        />
      )}
      {more}
    </Card>
  );
}
