import { useMutation, useQuery } from "@tanstack/react-query";
import { ApiProblem } from "../../api/problem";
import { useFormats, useText } from "../../i18n";
import { FormDialog } from "../../parts/FormDialog";
import { Skeleton } from "../../parts/Loading";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { say } from "../../parts/toasts";
import {
  foreseenRevert,
  type LeftOut,
  type PredictedRevert,
  type Reverted,
  revertTo,
  useReadAnew,
  useSubject,
} from "./data";
import { UpdateLink } from "./UpdateLink";
import { Value } from "./Value";

/** Says what going back to a revision would change, as a dry run tells it, and does it. */
export function RevertDialog({ to, onClose }: { to: number; onClose: () => void }) {
  const { ref } = useSubject();
  const { device: text } = useText();
  const formats = useFormats();
  const readAnew = useReadAnew(ref);
  const query = useQuery(foreseenRevert(ref, to));
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
  const revision = formats.number(to);
  return (
    <FormDialog
      title={text.backTitle(revision)}
      action={text.goBackTo(revision)}
      isBusy={reverting.isPending}
      error={reverting.error}
      isReady={query.data !== undefined}
      width={640}
      onSubmit={() => reverting.mutate()}
      onClose={onClose}
    >
      <p>{text.backWhy}</p>
      {query.data ? (
        <Foreseen predicted={query.data} />
      ) : isNothing(query.error) ? (
        <Notice tone="none">{text.backNothing}</Notice>
      ) : query.isError ? (
        <ProblemNotice error={query.error} retry={() => void query.refetch()} />
      ) : (
        <Skeleton height={120} />
      )}
    </FormDialog>
  );
}

/** Whether the server says that nothing would come back. */
function isNothing(error: unknown): boolean {
  return error instanceof ApiProblem && error.code === "nothing_to_revert";
}

/** What would be asked of the device, value by value, and what stays as it is. */
function Foreseen({ predicted }: { predicted: PredictedRevert }) {
  const { device: text } = useText();
  const changes = predicted.devices.flatMap((device) => device.changes);
  const refused = predicted.devices.flatMap((device) => device.refused ?? []);
  return (
    <>
      {refused.map((refusal) => (
        <Notice key={refusal.code} tone="bad">
          {refusal.detail}
        </Notice>
      ))}
      {changes.length === 0 && refused.length === 0 && (
        <Notice tone="none">{text.backNothing}</Notice>
      )}
      {changes.length > 0 && (
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
              {changes.map(({ name, desired, shown, to }) => (
                <tr key={name}>
                  <td>
                    <code className="break">{name}</code>
                  </td>
                  <td>
                    <Value value={desired ?? shown} />
                  </td>
                  <td>
                    <Value value={to} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Stays left={predicted.left_out} />
    </>
  );
}

/** What stays as it is, and why. */
function Stays({ left }: { left: readonly LeftOut[] }) {
  const { device: text } = useText();
  return (
    left.length > 0 && (
      <>
        <p>{text.backLeftOut}</p>
        <ul className="device-undone">
          {left.map((each) => (
            <li key={each.property ?? ""} className="small">
              <code className="break">{each.property ?? each.device}</code>: {each.why}
            </li>
          ))}
        </ul>
      </>
    )
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
      <Stays left={reverted.left_out} />
    </>
  );
}
