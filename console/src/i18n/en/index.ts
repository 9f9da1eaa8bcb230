import { audit } from "./audit";
import { cluster } from "./cluster";
import { device } from "./device";
import { devices } from "./devices";
import { enrolment } from "./enrolment";
import { importing } from "./importing";
import { keys } from "./keys";
import { newUpdate } from "./newUpdate";
import { organizations } from "./organizations";
import { overview } from "./overview";
import { parts } from "./parts";
import { passwords } from "./passwords";
import { presets } from "./presets";
import { projects } from "./projects";
import { registrations } from "./registrations";
import { shell } from "./shell";
import { signIn } from "./signIn";
import { states } from "./states";
import { update } from "./update";
import { users } from "./users";
import { webhooks } from "./webhooks";

/** English. */
export const en = {
  audit,
  cluster,
  device,
  devices,
  enrolment,
  importing,
  keys,
  newUpdate,
  organizations,
  overview,
  parts,
  passwords,
  presets,
  projects,
  registrations,
  shell,
  signIn,
  states,
  update,
  users,
  webhooks,
};
