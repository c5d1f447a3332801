import { useState } from "react";
import { Copy } from "../components/Copy";
import type { Piece } from "../model/conversation";
import { exactJSON } from "../model/exact";
import { bytes } from "../model/format";
import { count, marked } from "./Searchable";

interface Props {
  title: string;
  body: unknown;
  /** The body as a person reads it; undefined when it has an unknown shape. */
  read: Piece[] | undefined;
  wanted: string;
}

/** Everything that was sent or received: in words, or as the JSON it is. */
export function Body({ title, body, read, wanted }: Props) {
  const [raw, setRaw] = useState(read === undefined);
  const json = exactJSON(body);
  return (
    <section className="panel" aria-label={title}>
      <div className="panel-head">
        <h2>{title}</h2>
        <span className="body-tools">
          <span className="muted">
            {bytes(new TextEncoder().encode(JSON.stringify(body)).length)}
            {wanted && `, ${count(json, wanted)} found`}
          </span>
          <Copy text={JSON.stringify(body, null, 2)} label="Copy JSON" />
        </span>
      </div>
      {read && (
        <div className="tabs" role="group" aria-label={`Show ${title.toLowerCase()}`}>
          <button type="button" aria-pressed={!raw} onClick={() => setRaw(false)}>
            In words
          </button>
          <button type="button" aria-pressed={raw} onClick={() => setRaw(true)}>
            Exact JSON
          </button>
        </div>
      )}
      {raw || !read ? (
        <pre className="code ledger-json" tabIndex={0} aria-label={`${title} as exact JSON`}>
          {marked(json, wanted)}
        </pre>
      ) : (
        <ol className="pieces">
          {read.map((piece, i) => (
            <li key={i}>
              <h3>{piece.title}</h3>
              <pre className="code">{marked(piece.text, wanted)}</pre>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
