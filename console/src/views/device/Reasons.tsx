import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useIsServerAdmin } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import type { Tone } from "../../parts/Badge";
import { Button, ButtonLink } from "../../parts/Button";
import { CopyButton } from "../../parts/Copy";
import { Dialog } from "../../parts/Dialog";
import { Loaded } from "../../parts/Loading";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { Ago } from "../../parts/Time";
import { useActs } from "./acts";
import { explanationOf, type Reason, startArgumentsOf, useSubject } from "./data";
import { useLook, useSwitches } from "./Head";
import { Told } from "./Told";

/** Reasons that pass by themselves, and those that stand in the way of nothing. The rest do. */
const TONES: Record<string, Tone> = {
  booting: "busy",
  never_reached: "busy",
  power_under_way: "busy",
  pending: "busy",
  waits: "busy",
  old_credentials: "warn",
  credentials_not_used: "warn",
  frozen: "warn",
  project_paused: "warn",
  server_paused: "warn",
  stopped: "warn",
  restart_pending: "warn",
  needs_recreate: "warn",
  deadline_passed: "none",
};

/**
 * What is not as it should be with the device as a whole, each with what to do about it; and, unless
 * that is said below, that values wait for a restart.
 */
export function Reasons({ hasRestart = true }: { hasRestart?: boolean }) {
  const { ref, device } = useSubject();
  const explanation = useQuery(explanationOf(ref));
  const reasons = explanation.data?.reasons ?? [];
  const isWaiting = Object.keys(device.restart_pending ?? {}).length > 0;
  return (
    <>
      {explanation.isError && (
        <ProblemNotice error={explanation.error} retry={() => void explanation.refetch()} />
      )}
      {reasons.map((reason) => (
        <ReasonNotice key={reason.code} reason={reason} />
      ))}
      {hasRestart && isWaiting && !reasons.some((reason) => reason.code === "power_under_way") && (
        <RestartNotice />
      )}
    </>
  );
}

/** That some values wait for a restart, which is one press away. */
function RestartNotice() {
  const { device } = useSubject();
  const { states } = useText();
  const waiting = Object.keys(device.restart_pending ?? {});
  const reason = { code: "restart_pending", why: "", what_to_do: "" };
  return (
    <Notice tone="warn" actions={<Deed reason={reason} />}>
      {states.value.restart_pending}: <code className="break">{waiting.join(", ")}</code>
    </Notice>
  );
}

/** The word for what an update asks for besides values. */
export function operationWord(
  text: { operation: Record<string, string> },
  operation: string,
): string {
  return text.operation[operation] ?? operation;
}

function ReasonNotice({ reason }: { reason: Reason }) {
  return (
    <Notice tone={TONES[reason.code] ?? "bad"} actions={<Deed reason={reason} />}>
      <ReasonText reason={reason} />
      {reason.code === "power_under_way" && <Power />}
    </Notice>
  );
}

/** Since when a restart, reset or stop is going on, and how often the device was told. */
function Power() {
  const { device } = useSubject();
  const { device: text } = useText();
  const formats = useFormats();
  if (!device.power) {
    return null;
  }
  return (
    <p className="small quiet">
      {operationWord(text, device.power.operation)} · <Ago at={device.power.begun_at} /> ·{" "}
      {text.powerTold(formats.number(device.power.told))}
    </p>
  );
}

/** A reason in the server's own words, and what to do about it. */
export function ReasonText({ reason }: { reason: Reason }) {
  const { device: text } = useText();
  return (
    <>
      <p>
        <Told text={reason.why} />
      </p>
      {reason.what_to_do !== "" && (
        <p className="small quiet">
          {text.whatToDo} <Told text={reason.what_to_do} />
        </p>
      )}
    </>
  );
}

/** What puts right what a reason tells of, where it can be done from here. */
export function Deed({ reason }: { reason: Pick<Reason, "code"> }) {
  const { ref, device, mayOperate } = useSubject();
  const { device: text, passwords, registrations } = useText();
  const isServerAdmin = useIsServerAdmin();
  const { ask, freeze, isBusy } = useActs();
  const { look, isLooking } = useLook();
  const can = useSwitches();
  const [isShown, setShown] = useState(false);
  switch (reason.code) {
    case "frozen":
      return mayOperate ? (
        <Button isBusy={isBusy} onClick={() => freeze(false)}>
          {text.unfreeze}
        </Button>
      ) : null;
    case "stopped":
      return mayOperate && !device.frozen ? (
        <>
          {can?.start && <Button onClick={() => ask("restart")}>{text.start}</Button>}
          <Button onClick={() => ask("mark-started")}>{text.markStarted}</Button>
        </>
      ) : null;
    case "restart_pending":
    case "power_failed":
      return mayOperate && !device.frozen && can?.restart ? (
        <Button onClick={() => ask("restart")}>{text.restart}</Button>
      ) : null;
    case "not_adopted":
    case "wrong_device":
      return mayOperate ? <Button onClick={() => ask("adopt")}>{text.adopt}</Button> : null;
    case "needs_recreate":
      return (
        <>
          <Button onClick={() => setShown(true)}>{text.startArguments}</Button>
          {isShown && <StartArguments onClose={() => setShown(false)} />}
        </>
      );
    case "old_credentials":
    case "credentials_not_used":
      return (
        <ButtonLink to="/ui/passwords" search={{ project: ref.project }}>
          {passwords.title}
        </ButtonLink>
      );
    case "waiting_for_registration":
    case "not_registered":
      return isServerAdmin ? (
        <ButtonLink to="/ui/registrations" search={{ project: ref.project }}>
          {registrations.title}
        </ButtonLink>
      ) : null;
    case "project_paused":
      return (
        <ButtonLink
          to="/ui/projects/$project"
          params={{ project: ref.project }}
          search={{ project: ref.project }}
        >
          {text.toProject}
        </ButtonLink>
      );
    case "unreachable":
    case "unauthorised":
    case "unmarkable":
    case "unexpected_answer":
    case "trouble":
    case "never_reached":
    case "refused":
    case "power_under_way":
      return (
        <Button isBusy={isLooking} onClick={look}>
          {text.check}
        </Button>
      );
    default:
      return null;
  }
}

/** The arguments that the phone's container has to be made with. */
export function StartArguments({ onClose }: { onClose: () => void }) {
  const { ref } = useSubject();
  const { device: text, parts } = useText();
  const query = useQuery(startArgumentsOf(ref));
  return (
    <Dialog title={text.startArguments} onClose={onClose} width={640}>
      <Loaded query={query} height={80}>
        {({ arguments: all }) =>
          all.length === 0 ? (
            <p>{text.noStartArguments}</p>
          ) : (
            <>
              <p>{text.startArgumentsWhy}</p>
              <pre className="device-arguments">{all.join("\n")}</pre>
              <div className="row">
                <CopyButton text={all.join("\n")} />
              </div>
            </>
          )
        }
      </Loaded>
      <div className="dialog-actions">
        <Button onClick={onClose}>{parts.close}</Button>
      </div>
    </Dialog>
  );
}
