import { useFormats, useText } from "../../i18n";
import { CheckField, SelectField, TextField } from "../../parts/Field";
import { boundsOf, faultsOf, localTime, type PlanField, type PlanForm } from "./plan";
import { Radios } from "./Radios";

/** How an update goes through its devices, as it is typed. */
export function PlanFields({
  form,
  set,
  refused,
}: {
  form: PlanForm;
  set: (patch: Partial<PlanForm>) => void;
  /** What the server has refused: its field, as `canary`, and why. */
  refused?: { field: string; why: string } | undefined;
}) {
  const { update: text } = useText();
  const formats = useFormats();
  const faults = faultsOf(form);
  const errorOf = (field: PlanField, ...theirs: string[]) => {
    if (refused && theirs.includes(refused.field)) {
      return refused.why;
    }
    if (!faults.includes(field)) {
      return undefined;
    }
    if (field === "window") {
      return text.plan.windowFault;
    }
    const [least, most] = boundsOf(field, form);
    return text.plan.fault(formats.number(least), formats.number(most));
  };
  const number = (field: "canary" | "wave" | "pauseMinutes" | "stopAt", ...theirs: string[]) => ({
    inputMode: "numeric" as const,
    value: form[field],
    error: errorOf(field, ...theirs),
    onChange: (event: { target: { value: string } }) => set({ [field]: event.target.value }),
  });
  const local = [localTime(form.from), localTime(form.to)];
  return (
    <div className="column">
      <Radios
        legend={text.plan.how}
        value={form.isInWaves ? "waves" : "once"}
        choices={[
          { value: "once", label: text.plan.atOnce },
          { value: "waves", label: text.plan.inWaves },
        ]}
        onChange={(value) => set({ isInWaves: value === "waves" })}
      />
      {form.isInWaves && (
        <>
          <div className="form-grid">
            <TextField
              label={text.plan.canary}
              hint={text.plan.canaryHint}
              {...number("canary", "canary")}
            />
            <TextField
              label={text.plan.wave}
              hint={text.plan.waveHint}
              {...number("wave", "wave")}
            />
            <TextField
              label={text.plan.pause}
              hint={text.plan.pauseHint}
              {...number("pauseMinutes", "pause_seconds")}
            />
            <SelectField
              label={text.plan.stop}
              hint={text.plan.stopHint}
              value={form.stopBy}
              choices={[
                { value: "percent", label: text.plan.stopPercent },
                { value: "number", label: text.plan.stopNumber },
                { value: "none", label: text.plan.stopNone },
              ]}
              onChange={(event) => {
                const { value } = event.target;
                if (value === "percent" || value === "number" || value === "none") {
                  set({ stopBy: value });
                }
              }}
            />
            {form.stopBy !== "none" && (
              <TextField
                label={form.stopBy === "percent" ? text.plan.percent : text.plan.number}
                {...number("stopAt", "stop.failed", "stop.failed_percent")}
              />
            )}
          </div>
          <CheckField
            label={text.plan.hasWindow}
            checked={form.hasWindow}
            onChange={(event) => set({ hasWindow: event.target.checked })}
          />
          {form.hasWindow && (
            <div className="form-grid">
              <TextField
                label={text.plan.from}
                type="time"
                value={form.from}
                error={errorOf("window", "window.from", "window.to")}
                onChange={(event) => set({ from: event.target.value })}
              />
              <TextField
                label={text.plan.to}
                type="time"
                value={form.to}
                hint={local[0] && local[1] && text.plan.localWindow(local[0], local[1])}
                onChange={(event) => set({ to: event.target.value })}
              />
            </div>
          )}
        </>
      )}
    </div>
  );
}
