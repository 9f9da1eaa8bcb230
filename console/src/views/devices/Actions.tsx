import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useMay } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { handOver } from "../new-update/draft";
import { FreezeDialog } from "./FreezeDialog";
import { RestartDialog } from "./RestartDialog";
import {
  FREEZE_MAX,
  IDS_MAX,
  newUpdateOf,
  projectOf,
  type Target,
  type WhyNot,
  whyNoFreeze,
  whyNoRestart,
  whyNoUpdate,
} from "./target";

/** What can be done with the chosen devices. What can't be says why. */
export function Actions({ target, onDone }: { target: Target; onDone: () => void }) {
  const { devices: text } = useText();
  const formats = useFormats();
  const navigate = useNavigate();
  const mayChange = useMay("operator", projectOf(target));
  const [asked, setAsked] = useState<"restart" | "freeze" | "unfreeze">();
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
      : words(formats.number(why === "tooManyIds" ? IDS_MAX : FREEZE_MAX));
  };
  const reasons = [...new Set([update, restart, freeze])].filter((why) => why !== null);
  const close = () => setAsked(undefined);
  return (
    <>
      <fieldset className="device-actions row" aria-label={text.actions}>
        <Button
          kind="primary"
          disabled={update !== null}
          onClick={() =>
            void navigate({ to: "/ui/updates/new", search: handOver(newUpdateOf(target)) })
          }
        >
          {text.newUpdate}
        </Button>
        <Button disabled={restart !== null} onClick={() => setAsked("restart")}>
          {text.restart}
        </Button>
        {target.of === "rows" && (
          <>
            <Button disabled={freeze !== null} onClick={() => setAsked("freeze")}>
              {text.freeze}
            </Button>
            <Button disabled={freeze !== null} onClick={() => setAsked("unfreeze")}>
              {text.unfreeze}
            </Button>
          </>
        )}
      </fieldset>
      {reasons.length > 0 && <p className="small quiet">{reasons.map(told).join(" ")}</p>}
      {asked === "restart" && <RestartDialog target={target} onClose={close} onDone={onDone} />}
      {(asked === "freeze" || asked === "unfreeze") && target.of === "rows" && (
        <FreezeDialog
          rows={target.rows}
          isFreeze={asked === "freeze"}
          onClose={close}
          onDone={onDone}
        />
      )}
    </>
  );
}
