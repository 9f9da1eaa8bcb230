import type { components } from "../../api/schema";

/** How an update goes through its devices, as the API takes it. */
export type Plan = components["schemas"]["RolloutPlan"];

/** The same as it is typed. */
export type PlanForm = {
  isInWaves: boolean;
  canary: string;
  wave: string;
  pauseMinutes: string;
  stopBy: "none" | "percent" | "number";
  stopAt: string;
  hasWindow: boolean;
  from: string;
  to: string;
};

/** What is offered at first: a few devices to try it out, and an end to it if it does not work. */
export const FIRST_PLAN: PlanForm = {
  isInWaves: false,
  canary: "10",
  wave: "500",
  pauseMinutes: "0",
  stopBy: "percent",
  stopAt: "5",
  hasWindow: false,
  from: "22:00",
  to: "06:00",
};

/** A field of the form that is no number, or not one that can be meant. */
export type PlanField = "canary" | "wave" | "pauseMinutes" | "stopAt" | "window";

const MINUTES_MAX = 7 * 24 * 60;

const BOUNDS: Record<Exclude<PlanField, "window">, [number, number]> = {
  canary: [0, 8_096],
  wave: [1, 8_096],
  pauseMinutes: [0, MINUTES_MAX],
  stopAt: [1, 100],
};

/** The least and the most that may stand in a field. */
export function boundsOf(field: Exclude<PlanField, "window">, form: PlanForm): [number, number] {
  const [least, most] = BOUNDS[field];
  return field === "stopAt" && form.stopBy === "number" ? [1, 4_294_967_295] : [least, most];
}

/** The fields that can't be taken as they are. */
export function faultsOf(form: PlanForm): PlanField[] {
  if (!form.isInWaves) {
    return [];
  }
  const fields: Exclude<PlanField, "window">[] = ["canary", "wave", "pauseMinutes"];
  if (form.stopBy !== "none") {
    fields.push("stopAt");
  }
  const faults: PlanField[] = fields.filter((field) => {
    const [least, most] = boundsOf(field, form);
    const value = form[field].trim();
    const number = Number(value);
    return !/^\d+$/.test(value) || number < least || number > most;
  });
  const isTime = (text: string) => /^\d\d:\d\d$/.test(text);
  if (form.hasWindow && (!isTime(form.from) || !isTime(form.to) || form.from === form.to)) {
    faults.push("window");
  }
  return faults;
}

/** The plan that was typed: `{}` for all at once. */
export function planOf(form: PlanForm): Plan {
  if (!form.isInWaves) {
    return {};
  }
  const stopAt = Number(form.stopAt);
  return {
    canary: Number(form.canary),
    wave: Number(form.wave),
    pause_seconds: Number(form.pauseMinutes) * 60,
    stop: {
      failed: form.stopBy === "number" ? stopAt : null,
      failed_percent: form.stopBy === "percent" ? stopAt : null,
    },
    window: form.hasWindow ? { from: form.from, to: form.to } : null,
  };
}

/** Whether a plan has all devices in one wave, whenever it begins. */
export function isAtOnce(plan: Plan, devices: number): boolean {
  return !plan.canary && (plan.wave === undefined || plan.wave >= devices);
}

/** A time of day in UTC as it is where the page is read, today. */
export function localTime(text: string, today = new Date()): string | undefined {
  const [hours, minutes] = text.split(":").map(Number);
  if (hours === undefined || minutes === undefined || !/^\d\d:\d\d$/.test(text)) {
    return undefined;
  }
  const at = new Date(today);
  at.setUTCHours(hours, minutes, 0, 0);
  return `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
}
