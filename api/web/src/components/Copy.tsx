import { useState } from "react";

/** A button that copies text. */
export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () =>
    void navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  return (
    <button type="button" className="link copy" onClick={copy} onBlur={() => setCopied(false)}>
      {copied ? "Copied" : label}
    </button>
  );
}
