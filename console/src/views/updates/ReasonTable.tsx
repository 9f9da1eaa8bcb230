import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useFormats, useText } from "../../i18n";
import { Badge } from "../../parts/Badge";

/** Devices that have one reason in common. */
export type ShownReason = {
  key: string;
  code: string;
  what?: ReactNode;
  message: string;
  whatToDo?: string | null | undefined;
  count: number;
  /** The first few. */
  devices: readonly string[];
  /** Where all of them are. */
  all?: ReactNode;
};

/** A link to a device; only its id if there is no such device. */
export function DeviceLink({
  project,
  id,
  name,
  code,
}: {
  project: string;
  id: string;
  /** What it is called, where that is known. */
  name?: string;
  code?: string | undefined;
}) {
  return code === "no_such_device" ? (
    id
  ) : (
    <Link
      to="/ui/devices/$project/$id"
      params={{ project, id }}
      search={(search) => ({ project: search.project })}
      title={id}
    >
      {name || id}
    </Link>
  );
}

/** Why devices were refused or have failed, the most frequent reason first. */
export function ReasonTable({
  project,
  reasons,
}: {
  project: string;
  reasons: readonly ShownReason[];
}) {
  const { newUpdate: text } = useText();
  const formats = useFormats();
  const codes: Record<string, string> = text.codes;
  return (
    <div className="table-frame">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{text.reason}</th>
            <th scope="col">{text.count}</th>
            <th scope="col">{text.examples}</th>
          </tr>
        </thead>
        <tbody>
          {reasons.map((reason) => (
            <tr key={reason.key}>
              <td className="break">
                <Badge tone="bad">{codes[reason.code] ?? reason.code}</Badge> {reason.what}
                <div>{reason.message}</div>
                {reason.whatToDo && <div className="quiet">{reason.whatToDo}</div>}
              </td>
              <td className="numbers">
                {formats.number(reason.count)} {reason.all}
              </td>
              <td className="break">
                <ul className="reason-examples">
                  {reason.devices.map((id) => (
                    <li key={id}>
                      <DeviceLink project={project} id={id} code={reason.code} />
                    </li>
                  ))}
                </ul>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
