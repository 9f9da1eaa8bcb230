import { sessionEnd } from "../api/session-end";
import { useText } from "../i18n";
import { Button } from "./Button";
import { Notice } from "./Notice";

/** Says that the session is over, and begins signing in again when one likes to. */
export function SessionOver() {
  const { shell, signIn } = useText();
  return (
    <Notice tone="warn" actions={<Button onClick={() => sessionEnd.ask()}>{signIn.title}</Button>}>
      {shell.over}
    </Notice>
  );
}
