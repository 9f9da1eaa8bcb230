import { useEffect, useState } from "react";
import { serverNow } from "../api/clock";
import { useFormats, useText } from "../i18n";

/** How often times that are told as an age are told anew. */
const TOLD_EVERY_MS = 10_000;

/** How long ago something was, and exactly when on the pointer. */
export function Ago({ at }: { at: string | null | undefined }) {
  const { parts } = useText();
  const formats = useFormats();
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), TOLD_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  if (!at) {
    return <span className="quiet">{parts.never}</span>;
  }
  // What has been told since the last look is not to come.
  return (
    <time dateTime={at} title={formats.moment(at)}>
      {formats.ago(at, Math.max(now, Math.min(serverNow(), Date.parse(at))))}
    </time>
  );
}

/** A moment, to the second. */
export function Moment({ at }: { at: string | null | undefined }) {
  const { parts } = useText();
  const formats = useFormats();
  if (!at) {
    return <span className="quiet">{parts.never}</span>;
  }
  return (
    // The viewer's time zone; on the pointer in UTC, as the server writes it.
    <time dateTime={at} title={at}>
      {formats.moment(at)}
    </time>
  );
}
