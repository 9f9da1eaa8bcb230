import { type ReactNode, useRef } from "react";
import { useText } from "../i18n";
import { Button } from "./Button";
import { CopyButton } from "./Copy";
import { Dialog } from "./Dialog";
import { Notice } from "./Notice";
import { useStay } from "./stay";

/** Shows what is shown once, until whoever has made it says that it is kept. */
export function SecretDialog({
  title,
  secrets,
  onClose,
  children,
}: {
  title: ReactNode;
  /** What each is, and what it says. */
  secrets: readonly { name: string; value: string }[];
  onClose: () => void;
  children?: ReactNode;
}) {
  const { parts } = useText();
  const isKept = useRef(false);
  useStay(() => !isKept.current, parts.leaveSecret);
  return (
    // Escape does not close it: nothing shows these again.
    <Dialog title={title} onClose={() => {}} width={560}>
      <Notice tone="warn">{parts.shownOnce}</Notice>
      <dl className="column">
        {secrets.map(({ name, value }) => (
          <div key={name} className="field">
            <dt className="field-label">{name}</dt>
            <dd className="row">
              <code className="break">{value}</code>
              <CopyButton text={value} />
            </dd>
          </div>
        ))}
      </dl>
      {children}
      <div className="dialog-actions">
        <Button
          kind="primary"
          onClick={() => {
            isKept.current = true;
            onClose();
          }}
        >
          {parts.kept}
        </Button>
      </div>
    </Dialog>
  );
}
