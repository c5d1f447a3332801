import { Link } from "@tanstack/react-router";
import { entity } from "../model/format";
import type { RangeSearch } from "../model/range";

/** An entity by kind and name; a service leads to its page, at a time when one is given. */
export function Entity({ id, search }: { id: string; search?: RangeSearch }) {
  const { kind, name } = entity(id);
  return (
    <span className="entity">
      {kind && <span className="entity-kind">{kind}</span>}
      {kind === "service" ? (
        <Link to="/services/$name" params={{ name }} search={(before) => ({ ...before, ...search })}>
          {name}
        </Link>
      ) : (
        <span className="mono">{name}</span>
      )}
    </span>
  );
}
