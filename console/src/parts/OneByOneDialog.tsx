import type { ReactNode } from "react";
import { useFormats, useText } from "../i18n";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Meter } from "./Meter";
import { Notice, useWhy } from "./Notice";
import type { OneByOne } from "./one-by-one";
import { useStay } from "./stay";

/** How many of those that failed are named. */
const NAMED = 20;

/**
 * How far {@link useOneByOne} is, over the page. It closes only once nothing is under way: what was
 * stopped or failed is told, and can be gone on with.
 */
export function OneByOneDialog<T>({
  title,
  run,
  total,
  told,
  failed: failedTold,
  undone: undoneTold,
  nameOf,
  actions,
  onClose,
  children,
}: {
  title: ReactNode;
  run: OneByOne<T>;
  total: number;
  /** Of how many of all it is done. */
  told: (done: string, all: string) => string;
  /** That so many failed; which and why follows. */
  failed: (count: string) => string;
  /** What of those it was not done with, once it has ended. */
  undone: (count: string) => string;
  nameOf: (item: T) => string;
  /** What else can be done with those it was not done with. */
  actions?: ReactNode;
  onClose: () => void;
  /** What is said once it has ended. */
  children?: ReactNode;
}) {
  const { parts, states } = useText();
  const formats = useFormats();
  const why = useWhy();
  const { progress, undone, isOver, isStopping, stop, goOn } = run;
  const { done = 0, failed = [], left = [], endedBy } = progress ?? {};
  useStay(!isOver, parts.leaveRunning);
  return (
    <Dialog title={title} onClose={isOver ? onClose : () => {}} width={640}>
      <Meter
        total={total}
        shares={[
          { tone: "good", count: done, label: parts.done },
          { tone: "bad", count: failed.length, label: states.job.failed },
        ]}
      />
      <p role="status">{told(formats.number(done), formats.number(total))}</p>
      {isOver && endedBy !== undefined && (
        <Notice tone="warn">
          {why(endedBy)} {parts.canGoOn}
        </Notice>
      )}
      {failed.length > 0 && (
        <Notice tone="bad">
          <p>{failedTold(formats.number(failed.length))}</p>
          <ul>
            {failed.slice(0, NAMED).map(({ item, error }, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: what failed stays in its place
              <li key={index} className="break">
                <code>{nameOf(item)}</code>: {why(error)}
              </li>
            ))}
          </ul>
          {failed.length > NAMED && <p>{parts.more(formats.number(failed.length - NAMED))}</p>}
        </Notice>
      )}
      {isOver && undone.length > 0 && <p>{undoneTold(formats.number(undone.length))}</p>}
      {isOver && children}
      <div className="dialog-actions">
        {!isOver ? (
          <Button isBusy={isStopping} onClick={stop}>
            {parts.stop}
          </Button>
        ) : (
          <>
            {undone.length > 0 && actions}
            {undone.length > 0 && (
              <Button kind="primary" onClick={goOn}>
                {left.length > 0 ? parts.goOn : parts.again}
              </Button>
            )}
            <Button kind={undone.length > 0 ? "normal" : "primary"} onClick={onClose}>
              {undone.length > 0 ? parts.leave : parts.done}
            </Button>
          </>
        )}
      </div>
    </Dialog>
  );
}
