import { useFormats, useText } from "../i18n";
import { useProject } from "../layout/project";
import { usePrinting } from "./printing";

/** What stands above a view on paper: of which server and project it is, when it was, and where. */
export function PrintedHead() {
  const { parts, shell } = useText();
  const formats = useFormats();
  const project = useProject();
  const at = usePrinting();
  return (
    at && (
      <div className="printed">
        <p>
          {shell.name} · {window.location.host} · {project ?? shell.allProjects} ·{" "}
          {parts.printedAt(formats.moment(at))}
        </p>
        <p className="break">{window.location.href}</p>
      </div>
    )
  );
}

/** Which rows of a list are on paper, and how to come by the others. */
export function PrintedRows({
  first,
  last,
  total,
  rest,
}: {
  /** The places of the first and the last of them, from 0 on. */
  first: number;
  last: number;
  /** How many there are; undefined where that is not known. */
  total: number | undefined;
  /** How to come by all. */
  rest?: string;
}) {
  const { parts } = useText();
  const formats = useFormats();
  const isWhole = first === 0 && last + 1 === total;
  const [from, to] = [formats.number(first + 1), formats.number(last + 1)];
  const told = isWhole
    ? parts.printedAll(to)
    : total === undefined
      ? parts.printedOfMore(from, to)
      : parts.printedOf(from, to, formats.number(total));
  return (
    <p className="printed">
      {told} {!isWhole && rest}
    </p>
  );
}
