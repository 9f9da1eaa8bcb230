import { useMutation } from "@tanstack/react-query";
import { Fragment } from "react";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { useWhy } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { ValueBadge } from "../../parts/states";
import { Ago } from "../../parts/Time";
import { say } from "../../parts/toasts";
import { useSayAccepted } from "./acts";
import { desire, type Property, useReadAnew, useSubject } from "./data";
import { EditValue } from "./Edit";
import { Value } from "./Value";
import { propertyOf, type ValueRow } from "./values";

/** The values as a table. Where there is little room, a row says in three cells what it says in six. */
export function ValueTable({
  rows,
  properties,
  edited,
  onEdit,
}: {
  rows: readonly ValueRow[];
  properties: readonly Property[] | undefined;
  edited: string | null;
  onEdit?: (name: string | null) => void;
}) {
  const { device: text } = useText();
  const isNarrow = useIsNarrow();
  const columns = isNarrow ? 3 : onEdit ? 6 : 5;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what is scrolled must be reached by keyboard
    <section className="table-frame" tabIndex={0} aria-label={text.values}>
      <table className="table device-values">
        <thead>
          <tr>
            <th scope="col">{text.property}</th>
            <th scope="col">{text.desired}</th>
            <th scope="col">{text.reported}</th>
            {!isNarrow && <th scope="col">{text.pending}</th>}
            {!isNarrow && <th scope="col">{text.state}</th>}
            {onEdit && !isNarrow && (
              <th scope="col">
                <span className="heard">{text.edit}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Fragment key={row.name}>
              <Row
                row={row}
                property={propertyOf(properties, row.name)}
                isNarrow={isNarrow}
                isEdited={edited === row.name}
                onEdit={onEdit && (() => onEdit(edited === row.name ? null : row.name))}
              />
              {isNarrow && row.why.length > 0 && (
                <tr data-state={row.state ?? undefined} className="device-why">
                  <td colSpan={columns}>
                    <Why row={row} />
                  </td>
                </tr>
              )}
              {edited === row.name && onEdit && (
                <tr className="device-edited">
                  <td colSpan={columns}>
                    <EditValue
                      name={row.name}
                      value={row.desired ?? row.reported?.value ?? ""}
                      onClose={() => onEdit(null)}
                    />
                  </td>
                </tr>
              )}
            </Fragment>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({
  row,
  property,
  isNarrow,
  isEdited,
  onEdit,
}: {
  row: ValueRow;
  property: Property | undefined;
  isNarrow: boolean;
  isEdited: boolean;
  onEdit?: () => void;
}) {
  const { device: text } = useText();
  const acts = onEdit && property?.updatable !== false && (
    <span className="device-value-acts">
      {row.state === "drift" && row.desired !== null && <SetAgain row={row} value={row.desired} />}
      <Button
        kind="plain"
        aria-label={text.editValue(row.name)}
        aria-expanded={isEdited}
        onClick={onEdit}
      >
        {text.edit}
      </Button>
    </span>
  );
  return (
    <tr data-state={row.state ?? undefined}>
      <td>
        <code className="break">{row.name}</code>
        {property && !isNarrow && <p className="small quiet">{property.meaning}</p>}
        {isNarrow && (
          <p className="device-under">
            <State row={row} /> <Waits row={row} />
          </p>
        )}
        {!isNarrow && <Why row={row} />}
      </td>
      <td>
        <Desired row={row} />
        {isNarrow && acts}
      </td>
      <td>
        <Shown row={row} />
      </td>
      {!isNarrow && (
        <td>
          <Waits row={row} />
        </td>
      )}
      {!isNarrow && (
        <td>
          <State row={row} />
        </td>
      )}
      {onEdit && !isNarrow && <td className="device-edit-cell">{acts}</td>}
    </tr>
  );
}

/** Why a value is not as it should be. */
function Why({ row }: { row: ValueRow }) {
  return row.why.map((why) => (
    <p key={why} className="small break">
      {why}
    </p>
  ));
}

/** Asks again for a value that the device does not show. */
function SetAgain({ row, value }: { row: ValueRow; value: string }) {
  const { ref, device } = useSubject();
  const { device: text } = useText();
  const sayAccepted = useSayAccepted();
  const readAnew = useReadAnew(ref);
  const why = useWhy();
  const asking = useMutation({
    mutationFn: () =>
      desire(ref, { set: { [row.name]: value }, restart: false, revision: device.revision }),
    onSuccess: (accepted) => {
      sayAccepted(accepted);
      return readAnew();
    },
    onError: (error) => {
      say("bad", why(error));
      return readAnew();
    },
  });
  return (
    <Button
      kind="plain"
      aria-label={text.setAgainOf(row.name)}
      isBusy={asking.isPending}
      onClick={() => asking.mutate()}
    >
      {text.setAgain}
    </Button>
  );
}

function Desired({ row }: { row: ValueRow }) {
  const { device: text } = useText();
  const formats = useFormats();
  if (row.by === null) {
    return <span className="quiet">{text.nothingAsked}</span>;
  }
  return (
    <>
      <Value value={row.desired} />
      {row.by === "ours" && (
        <p className="small quiet" title={text.onRecordWhy}>
          {text.onRecord}
        </p>
      )}
      {row.revision !== null && (
        <p className="small quiet">{text.revision(formats.number(row.revision))}</p>
      )}
    </>
  );
}

function Shown({ row }: { row: ValueRow }) {
  const { device: text } = useText();
  if (row.reported === null) {
    return <span className="quiet">{text.neverShown}</span>;
  }
  return (
    <>
      <Value value={row.reported.value} />
      <p className="small quiet">
        <Ago at={row.reported.at} />
      </p>
    </>
  );
}

function State({ row }: { row: ValueRow }) {
  if (row.state === null) {
    return null;
  }
  return <ValueBadge state={row.state} />;
}

/** What a value waits for. */
function Waits({ row }: { row: ValueRow }) {
  const { device } = useSubject();
  const { device: text } = useText();
  if (row.waitsSince !== null) {
    return (
      <span className="small">
        {text.waitsRestart} · <Ago at={row.waitsSince} />
      </span>
    );
  }
  if (row.state !== "pending") {
    return null;
  }
  const isAway = device.trouble || (device.camera && device.camera.status !== "OnLine");
  return <span className="small">{isAway ? text.waitsDevice : text.waitsTurn}</span>;
}
