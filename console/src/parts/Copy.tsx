import { useEffect, useState } from "react";
import { useText } from "../i18n";
import { Button } from "./Button";

/** How long it is told what came of it. */
const TOLD_FOR_MS = 2_000;

/** Copies a text, such as a secret that is shown once. */
export function CopyButton({ text, kind }: { text: string; kind?: "plain" }) {
  const { parts } = useText();
  const [told, setTold] = useState("");
  useEffect(() => {
    if (told !== "") {
      const timer = setTimeout(() => setTold(""), TOLD_FOR_MS);
      return () => clearTimeout(timer);
    }
  }, [told]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setTold(parts.copied);
    } catch {
      // A browser may forbid it: then it is selected and copied by hand.
      setTold(parts.notCopied);
    }
  };
  return (
    <>
      <Button kind={kind} onClick={() => void copy()}>
        {told || parts.copy}
      </Button>
      <span className="heard" role="status">
        {told}
      </span>
    </>
  );
}
