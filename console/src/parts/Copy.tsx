import { useState } from "react";
import { useText } from "../i18n";
import { Button } from "./Button";

/** Copies a text, such as a secret that is shown once. */
export function CopyButton({ text }: { text: string }) {
  const { parts } = useText();
  const [isCopied, setCopied] = useState(false);
  return (
    <Button
      onClick={() => {
        void navigator.clipboard.writeText(text).then(() => {
          setCopied(true);
          setTimeout(() => setCopied(false), 2_000);
        });
      }}
    >
      {isCopied ? parts.copied : parts.copy}
    </Button>
  );
}
