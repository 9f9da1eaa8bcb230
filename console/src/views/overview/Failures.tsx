import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Card } from "../../parts/Page";
import { Ago } from "../../parts/Time";
import type { FailureReason, FleetOverview } from "./data";

/** Updates that are shown of a reason. */
const UPDATES_SHOWN = 5;

/** Reasons that are shown at first. */
const SHOWN = 8;

/** What failed of late, by reason, and where. */
export function Failures({
  failures,
  project,
}: {
  failures: FleetOverview["failures"];
  project: string | undefined;
}) {
  const { overview: text, parts } = useText();
  const formats = useFormats();
  const [isWhole, setWhole] = useState(false);
  return (
    <Card title={text.failures}>
      {failures.reasons.length === 0 ? (
        <p className="quiet">{text.failuresNone}</p>
      ) : (
        <>
          <p className="quiet small">
            {text.failuresSince}{" "}
            {failures.more && text.failuresMore(formats.number(failures.counted))}
          </p>
          <ul className="failures">
            {failures.reasons.slice(0, isWhole ? undefined : SHOWN).map((reason) => (
              <Failure key={`${reason.code} ${reason.message}`} reason={reason} project={project} />
            ))}
          </ul>
          {!isWhole && failures.reasons.length > SHOWN && (
            <div>
              <Button onClick={() => setWhole(true)}>
                {parts.more(formats.number(failures.reasons.length - SHOWN))}
              </Button>
            </div>
          )}
          {failures.other > 0 && (
            <p className="quiet small">{text.failuresOther(formats.number(failures.other))}</p>
          )}
        </>
      )}
    </Card>
  );
}

function Failure({ reason, project }: { reason: FailureReason; project: string | undefined }) {
  const { overview: text, devices, update } = useText();
  const formats = useFormats();
  const [first] = reason.devices;
  const isOneProject = reason.devices.every((device) => device.project === first?.project);
  return (
    <li>
      <strong className="failure-count numbers" title={text.count}>
        {formats.number(reason.count)}
        <span className="heard"> {text.count}</span>
      </strong>
      <div className="column failure-text">
        <p className="break">
          {reason.message} <code className="quiet">{reason.code}</code>
        </p>
        <p className="row small quiet">
          {text.last} <Ago at={reason.last_at} />
        </p>
        <p className="row small">
          <span className="quiet">{devices.title}</span>
          {reason.devices.map((device) => (
            <Link
              key={`${device.project}/${device.id}`}
              to="/ui/devices/$project/$id"
              params={device}
              search={{ project }}
              className="mono break"
            >
              {device.id}
            </Link>
          ))}
          {reason.devices.length > 1 && (
            <Link
              to="/ui/devices"
              search={{
                project: isOneProject ? first?.project : project,
                id: reason.devices.map((device) => device.id),
              }}
            >
              {text.showDevices}
            </Link>
          )}
        </p>
        {reason.updates.length > 0 && (
          <p className="row small">
            <span className="quiet">{update.title}</span>
            {reason.updates.slice(0, UPDATES_SHOWN).map((id) => (
              <Link
                key={id}
                to="/ui/updates/$id"
                params={{ id }}
                search={{ project, state: ["failed"], code: reason.code }}
                className="mono failure-update"
              >
                {id}
              </Link>
            ))}
          </p>
        )}
      </div>
    </li>
  );
}
