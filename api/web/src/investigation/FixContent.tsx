import { Copy } from "../components/Copy";
import { Entity } from "../components/Entity";
import { Facts } from "../components/Facts";
import { exact } from "../model/exact";
import { words } from "../model/format";
import type { Fix } from "../services/investigations";

/** Exactly what an approver approves. */
export function FixContent({ fix }: { fix: Fix }) {
  return (
    <>
      <pre className="code tall" tabIndex={0} aria-label="What will run">
        {exact(fix.content)}
      </pre>
      <Facts
        className="stacked"
        facts={[
          ["Action", `${fix.action} (${words(fix.kind)})`],
          ["Target", <Entity id={fix.target} />],
          ...Object.entries(fix.parameters).map(([name, value]): [string, string] => [
            `Parameter ${name}`,
            exact(value),
          ]),
          ...Object.entries(fix.preconditions).map(([name, value]): [string, string] => [
            `Only if ${words(name)}`,
            exact(value),
          ]),
          [
            "Digest",
            <>
              <code className="digest" title={fix.digest}>
                {fix.digest}
              </code>
              <Copy text={fix.digest} />
            </>,
          ],
        ]}
      />
    </>
  );
}
