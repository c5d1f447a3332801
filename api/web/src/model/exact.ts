/** What is not seen but acts: control, zero-width and bidirectional characters, tags, variation selectors. */
const hidden =
  /[^\P{Cc}\n\t]|[\p{Cf}\p{Co}\p{Cs}\u2028\u2029\u034f\u115f\u1160\u3164\uffa0\u2800\ufe00-\ufe0f]|[\u{e0000}-\u{e0fff}]/gu;

/** Text to the letter: nothing is dropped, and what would not be seen stands there as its code, \u{202e}. */
export function exact(text: string): string {
  return text.replace(hidden, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`);
}

/** JSON over several lines, to the letter. */
export function exactJSON(value: unknown): string {
  return exact(JSON.stringify(value, null, 2) ?? "");
}
