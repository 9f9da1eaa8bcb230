import { useMutation } from "@tanstack/react-query";
import { useFormats, useText } from "../../i18n";
import { FormDialog } from "../../parts/FormDialog";
import { Notice } from "../../parts/Notice";
import { say } from "../../parts/toasts";
import { undoneBy } from "./changes";
import { type Change, type Reverted, revertTo, useReadAnew, useSubject } from "./data";
import { UpdateLink } from "./UpdateLink";
import { Value } from "./Value";

/** Says what going back to a revision changes, and does it. */
export function RevertDialog({
  changes,
  to,
  onClose,
}: {
  /** The history, newest first, down to that revision at least. */
  changes: readonly Change[];
  to: number;
  onClose: () => void;
}) {
  const { ref, device } = useSubject();
  const { device: text } = useText();
  const formats = useFormats();
  const readAnew = useReadAnew(ref);
  const reverting = useMutation({
    mutationFn: () => revertTo(ref, to),
    onSuccess: (reverted) => {
      onClose();
      say(
        reverted.left_out.length > 0 ? "warn" : "good",
        <Done reverted={reverted} project={ref.project} />,
      );
      return readAnew();
    },
  });
  const undone = undoneBy(changes, to, device.kind);
  const revision = formats.number(to);
  return (
    <FormDialog
      title={text.backTitle(revision)}
      action={text.goBackTo(revision)}
      isBusy={reverting.isPending}
      error={reverting.error}
      width={640}
      onSubmit={() => reverting.mutate()}
      onClose={onClose}
    >
      <p>{text.backWhy}</p>
      {undone.length === 0 ? (
        <Notice tone="none">{text.backNothing}</Notice>
      ) : (
        <div className="table-frame device-undone">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{text.property}</th>
                <th scope="col">{text.now}</th>
                <th scope="col">{text.again}</th>
              </tr>
            </thead>
            <tbody>
              {undone.map(({ name, now, again }) => (
                <tr key={name}>
                  <td>
                    <code className="break">{name}</code>
                  </td>
                  <td>
                    {now === null ? (
                      <span className="quiet">{text.forgotten}</span>
                    ) : (
                      <Value value={now} />
                    )}
                  </td>
                  <td>
                    {again === null ? (
                      <span className="quiet">{text.stays}</span>
                    ) : again === "" ? (
                      <span className="quiet">{text.takenOff}</span>
                    ) : (
                      <Value value={again} />
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </FormDialog>
  );
}

/** What came of it, and what was left as it is. It is said outside of the device's view. */
function Done({ reverted, project }: { reverted: Reverted; project: string }) {
  const { device: text } = useText();
  return (
    <>
      <p>
        {text.backDone}{" "}
        <UpdateLink id={reverted.id} rollout={null} project={project} label={text.toUpdate} />
      </p>
      {reverted.left_out.length > 0 && (
        <>
          <p>{text.backLeftOut}</p>
          <ul>
            {reverted.left_out.map((left) => (
              <li key={left.property ?? ""} className="small">
                <code>{left.property ?? left.device}</code>: {left.why}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
