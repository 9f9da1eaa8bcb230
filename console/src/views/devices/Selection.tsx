import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Actions, type Asked } from "./Actions";
import { type Chosen, NONE } from "./chosen";
import type { Target } from "./target";

/** What is chosen, and what can be done with it. */
export function Selection({
  chosen,
  set,
  isFiltered,
  isWhole,
  target,
  onAsk,
}: {
  chosen: Chosen;
  set: (chosen: Chosen) => void;
  isFiltered: boolean;
  /** Whether all of the list is loaded. */
  isWhole: boolean;
  target: Target;
  onAsk: (asked: Asked) => void;
}) {
  const { devices: text, parts } = useText();
  const formats = useFormats();
  const count = target.of === "rows" ? target.rows.length : 0;
  const isAny = chosen.isAll || count > 0;
  return (
    <div className="devices-choice row">
      {/* Always there: what comes with its words is not read out. */}
      <span role="status">
        {chosen.isAll
          ? isFiltered
            ? text.areAllChosen
            : text.areAllChosenHere
          : count > 0 && parts.selected(formats.number(count))}
      </span>
      {!chosen.isAll && !(isWhole && count > 0) && (
        <Button kind={isAny ? "plain" : "normal"} onClick={() => set({ ...NONE, isAll: true })}>
          {isFiltered ? text.allMatching : text.all}
        </Button>
      )}
      {isAny && (
        <>
          <Button kind="plain" onClick={() => set(NONE)}>
            {text.clearChoice}
          </Button>
          <Actions target={target} onAsk={onAsk} />
        </>
      )}
    </div>
  );
}
