import { Link } from "@tanstack/react-router";
import { useText } from "../../i18n";

/** Who asked, and by which API. */
export function By({ actor, door }: { actor: string; door: string }) {
  const { device: text } = useText();
  const doors: Record<string, string> = text.door;
  return <span className="break">{text.by(actor, doors[door] ?? door)}</span>;
}

/** The way to an update, or to the rollout whose wave it is. */
export function UpdateLink({
  id,
  rollout,
  project,
  label,
}: {
  id: string;
  rollout: string | null | undefined;
  project: string;
  label: string;
}) {
  const { device: text } = useText();
  return (
    <Link to="/ui/updates/$id" params={{ id: rollout ?? id }} search={{ project }}>
      {rollout ? `${label} · ${text.rollout}` : label}
    </Link>
  );
}
