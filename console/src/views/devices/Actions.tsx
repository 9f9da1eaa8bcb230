import { useNavigate } from "@tanstack/react-router";
import { useMay } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { handOver, useUser } from "../new-update/draft";
import { NAMED_MAX } from "../new-update/target";
import { FreezeAllDialog } from "./FreezeAllDialog";
import { FreezeDialog } from "./FreezeDialog";
import { RestartDialog } from "./RestartDialog";
import {
  FREEZE_MAX,
  freezingOf,
  newUpdateOf,
  projectOf,
  type Target,
  type WhyNot,
  whyNoFreeze,
  whyNoRestart,
  whyNoUpdate,
} from "./target";

/** What is asked before it is done, with the devices that were chosen then. */
export type Asked = { what: "restart" | "freeze" | "unfreeze"; target: Target };

/** What can be done with the chosen devices. What can't be says why. */
export function Actions({ target, onAsk }: { target: Target; onAsk: (asked: Asked) => void }) {
  const { devices: text } = useText();
  const formats = useFormats();
  const navigate = useNavigate();
  const user = useUser();
  const mayChange = useMay("operator", projectOf(target));
  if (!mayChange) {
    return null;
  }
  const update = whyNoUpdate(target);
  const restart = whyNoRestart(target);
  const freeze = whyNoFreeze(target);
  const told = (why: WhyNot) => {
    const words = text.why[why];
    return typeof words === "string"
      ? words
      : words(formats.number(why === "tooManyIds" ? NAMED_MAX : FREEZE_MAX));
  };
  const reasons = [...new Set([update, restart, freeze])].filter((why) => why !== null);
  return (
    <>
      <fieldset className="device-actions row" aria-label={text.actions}>
        <Button
          kind="primary"
          disabled={update !== null}
          onClick={() =>
            void navigate({ to: "/ui/updates/new", search: handOver(newUpdateOf(target), user) })
          }
        >
          {text.newUpdate}
        </Button>
        <Button disabled={restart !== null} onClick={() => onAsk({ what: "restart", target })}>
          {text.restart}
        </Button>
        {(["freeze", "unfreeze"] as const).map((what) => (
          <Button key={what} disabled={freeze !== null} onClick={() => onAsk({ what, target })}>
            {text[what]}
          </Button>
        ))}
      </fieldset>
      {reasons.length > 0 && <p className="small quiet">{reasons.map(told).join(" ")}</p>}
    </>
  );
}

/**
 * The question whether to. It stands beside the list and not with the buttons: those go with the
 * last of the chosen devices, which leaves the list when it is not any more what the filter asks for.
 */
export function Question({
  asked,
  onDone,
  onClose,
}: {
  asked: Asked;
  onDone: () => void;
  onClose: () => void;
}) {
  const { what, target } = asked;
  if (what === "restart") {
    return <RestartDialog target={target} onDone={onDone} onClose={onClose} />;
  }
  const ends = { isFreeze: what === "freeze", onDone, onClose };
  if (target.of === "rows") {
    return <FreezeDialog rows={target.rows} {...ends} />;
  }
  const freezing = freezingOf(target.filter);
  return freezing && <FreezeAllDialog freezing={freezing} {...ends} />;
}
