import { exact } from "../model/exact";
import type { Provider } from "../services/ai";

/** A provider's data-use terms, word for word. */
export function Terms({ provider: p }: { provider: Provider }) {
  return (
    <figure className="terms">
      <figcaption>
        <b>{p.name}</b>{" "}
        <span className="muted">
          {p.model} at {p.address}, account {p.account}
        </span>
      </figcaption>
      <blockquote>{exact(p.terms)}</blockquote>
    </figure>
  );
}

/** What a provider takes for a million tokens. */
export function Price({ provider: { price } }: { provider: Provider }) {
  return (
    <>
      ${price.input} in, ${price.output} out per million tokens
    </>
  );
}
