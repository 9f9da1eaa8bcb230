import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useText } from "../../i18n";
import { Badge } from "../../parts/Badge";
import { Button, ButtonLink } from "../../parts/Button";
import { CopyButton } from "../../parts/Copy";
import { usePopover } from "../../parts/popover";
import { AttentionBadge, CameraBadge, ConditionBadge } from "../../parts/states";
import { Ago } from "../../parts/Time";
import { type Asking, useActs } from "./acts";
import { catalogueOf, checkOf, useSubject } from "./data";
import { standsSince, switches } from "./values";

/** Which device it is, and how it stands. */
export function Standing() {
  const { ref, device } = useSubject();
  const { device: text, states } = useText();
  const kind = device.kind === "camera" ? states.kind.camera : states.kind.phone;
  return (
    <span className="device-standing">
      <code className="break device-id">{device.id}</code>
      <CopyButton kind="plain" text={device.id} />
      <span>{kind}</span>
      <Link to="/ui/devices" search={{ project: ref.project }}>
        {ref.project}
      </Link>
      <AttentionBadge attention={device.attention} />
      {device.camera ? (
        <CameraBadge status={device.camera.status} />
      ) : (
        <ConditionBadge condition={device.condition} />
      )}
      {device.frozen && <Badge tone="warn">{states.frozen}</Badge>}
      <span>
        {text.since} <Ago at={standsSince(device)} />
        {text.sinceAfter}
      </span>
    </span>
  );
}

/** Begins a look at the device, and shows it. */
export function useLook(): { look: () => void; isLooking: boolean } {
  const { ref } = useSubject();
  const check = useQuery(checkOf(ref));
  const navigate = useNavigate();
  return {
    look: () => {
      void check.refetch();
      void navigate({ to: ".", search: (search) => ({ ...search, tab: "check" }) });
    },
    isLooking: check.isFetching,
  };
}

/** What the device can be told besides values; undefined until its profile is known. */
export function useSwitches() {
  const { device } = useSubject();
  const catalogue = useQuery(catalogueOf(device.profile));
  const profile = catalogue.data?.profiles.find((each) => each.name === device.profile);
  return profile && switches(profile);
}

/** What can be done with the device. What its profile knows no way to is named, not offered. */
export function Actions() {
  const { ref, device, mayOperate } = useSubject();
  const { device: text } = useText();
  const { ask, freeze, isBusy } = useActs();
  const { look, isLooking } = useLook();
  const isPhone = device.kind === "phone";
  const can = useSwitches();
  // The button's place is kept until it is known whether there is one.
  const isAsked = useQuery(catalogueOf(device.profile)).isPending;
  const isStopped = device.condition === "stopped";
  const canRun = isStopped ? can?.start : can?.restart;
  const acts: { what: Asking; label: string; isOffered: boolean }[] = [
    { what: "stop", label: text.stop, isOffered: can?.stop === true && !isStopped },
    { what: "reset", label: text.reset, isOffered: can?.reset === true },
    { what: "adopt", label: text.adopt, isOffered: true },
    { what: "mark-stopped", label: text.markStopped, isOffered: !isStopped },
    { what: "mark-started", label: text.markStarted, isOffered: isStopped },
  ];
  const noWay = [
    ...(canRun ? [] : [isStopped ? text.start : text.restart]),
    ...(can?.stop ? [] : [text.stop]),
    ...(can?.reset ? [] : [text.reset]),
  ];
  return (
    <>
      <Button onClick={look} isBusy={isLooking}>
        {text.check}
      </Button>
      {mayOperate && (
        <>
          {isPhone && (canRun || isAsked) && !device.frozen && (
            <Button disabled={isAsked} onClick={() => ask("restart")}>
              {isStopped ? text.start : text.restart}
            </Button>
          )}
          {!device.frozen && (
            <ButtonLink
              kind="primary"
              to="/ui/updates/new"
              search={{ project: ref.project, kind: device.kind, id: [device.id] }}
            >
              {text.newUpdate}
            </ButtonLink>
          )}
          <More label={text.more}>
            <Button isBusy={isBusy} onClick={() => freeze(!device.frozen)}>
              {device.frozen ? text.unfreeze : text.freeze}
            </Button>
            {isPhone &&
              !device.frozen &&
              acts
                .filter((each) => each.isOffered)
                .map((each) => (
                  <Button key={each.what} onClick={() => ask(each.what)}>
                    {each.label}
                  </Button>
                ))}
            <Button kind="danger" onClick={() => ask("delete")}>
              {text.remove}
            </Button>
            {isPhone && can && noWay.length > 0 && (
              <p className="small quiet">{text.noWay(device.profile, noWay.join(", "))}</p>
            )}
          </More>
        </>
      )}
    </>
  );
}

/** Buttons that are needed less often, shown on demand. */
function More({ label, children }: { label: string; children: ReactNode }) {
  const { frame, isOpen, toggle, leave } = usePopover();
  return (
    <div ref={frame} className="device-more">
      <Button aria-expanded={isOpen} onClick={toggle}>
        {label} <span aria-hidden="true">▾</span>
      </Button>
      {isOpen && (
        // biome-ignore lint/a11y: what is pressed in it closes it; the buttons are what is pressed
        <div className="device-more-inside" onClick={leave}>
          {children}
        </div>
      )}
    </div>
  );
}
