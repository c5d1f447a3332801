import { useState } from "react";
import { Badge } from "../components/Badge";
import { Dialog } from "../components/Dialog";
import { Moment } from "../components/Times";
import { sentence } from "../model/format";
import type { AI, ListedProvider, Provider } from "../services/ai";
import { Price, Terms } from "./Terms";
import { Problem, useChange } from "./change";

interface Props {
  ai: AI;
  providers: Provider[];
  admin: boolean;
}

/** Who may be asked, in order, and who could be listed. */
export function Providers({ ai, providers, admin }: Props) {
  const change = useChange(ai.environment);
  const [confirming, setConfirming] = useState<Provider>();
  const names = ai.providers.map((p) => p.name);
  const others = providers.filter((p) => !names.includes(p.name));
  const put = (list: string[]) => change.mutate({ providers: list });
  return (
    <section className="panel">
      <h2>Who may be asked</h2>
      <p className="muted">The first is asked first. Nobody who is not on the list is ever asked.</p>
      {providers.length === 0 && (
        <p>
          No provider is configured. An operator adds accounts under <code>ai.providers</code> in the configuration.
        </p>
      )}
      {providers.length > 0 && names.length === 0 && <p>Nobody is listed.</p>}
      <ol className="providers">
        {ai.providers.map((l, i) => (
          <Listed key={l.name} listed={l} first={i === 0} provider={providers.find((p) => p.name === l.name)}>
            {admin && (
              <Order names={names} at={i} busy={change.isPending} put={put} onConfirm={setConfirming}>
                {l.confirmed_by ? undefined : providers.find((p) => p.name === l.name && !p.unusable)}
              </Order>
            )}
          </Listed>
        ))}
      </ol>
      <Problem error={change.error} />
      {others.length > 0 && <h3>Configured, not listed</h3>}
      <ul className="providers">
        {others.map((p) => (
          <li key={p.name}>
            <Name provider={p} name={p.name} />
            <Details provider={p} />
            {p.unusable ? (
              <p className="muted">{sentence(p.unusable)}</p>
            ) : (
              admin && (
                <div className="row">
                  <button
                    type="button"
                    className="link"
                    aria-label={`Read the terms of ${p.name} and list it`}
                    onClick={() => setConfirming(p)}
                  >
                    Read the terms and list it…
                  </button>
                </div>
              )
            )}
          </li>
        ))}
      </ul>
      {confirming && (
        <ConfirmDialog ai={ai} provider={confirming} names={names} onClose={() => setConfirming(undefined)} />
      )}
    </section>
  );
}

function Name({ name, provider }: { name: string; provider: Provider | undefined }) {
  return (
    <p>
      <b>{name}</b> {provider && <span className="mono">{provider.model}</span>}
    </p>
  );
}

function Details({ provider }: { provider: Provider }) {
  return (
    <p className="muted">
      {provider.environment ? `Account of ${provider.environment}` : "Account of the installation"}: {provider.account}{" "}
      · {provider.address} · <Price provider={provider} />
    </p>
  );
}

function Listed({
  listed,
  provider,
  first,
  children,
}: {
  listed: ListedProvider;
  provider: Provider | undefined;
  first: boolean;
  children: React.ReactNode;
}) {
  return (
    <li>
      <div className="panel-head">
        <Name name={listed.name} provider={provider} />
        <Badge tone={listed.asked ? "good" : "warn"}>
          {listed.asked ? (first ? "asked first" : "asked next") : "not asked"}
        </Badge>
      </div>
      {provider && (provider.environment === undefined || !provider.unusable) && <Details provider={provider} />}
      {listed.why && <p>{sentence(listed.why)}</p>}
      {listed.confirmed_by && listed.confirmed_at && (
        <details className="checks">
          <summary>
            Terms confirmed by {listed.confirmed_by}, <Moment at={listed.confirmed_at} />
          </summary>
          {provider && <Terms provider={provider} />}
        </details>
      )}
      {children}
    </li>
  );
}

interface OrderProps {
  names: string[];
  at: number;
  busy: boolean;
  put: (names: string[]) => void;
  onConfirm: (provider: Provider) => void;
  /** Whose terms are not confirmed. */
  children: Provider | undefined;
}

/** Moves a provider in the list, or takes it off. */
function Order({ names, at, busy, put, onConfirm, children: unconfirmed }: OrderProps) {
  const name = names[at] ?? "";
  const moved = (to: number) => names.toSpliced(at, 1).toSpliced(to, 0, name);
  const button = (text: string, label: string, disabled: boolean, onClick: () => void) => (
    <button type="button" className="link" aria-label={label} disabled={busy || disabled} onClick={onClick}>
      {text}
    </button>
  );
  return (
    <div className="row">
      {unconfirmed && button("Confirm its terms…", `Confirm the terms of ${name}`, false, () => onConfirm(unconfirmed))}
      {names.length > 1 && button("Up", `Ask ${name} earlier`, at === 0, () => put(moved(at - 1)))}
      {names.length > 1 && button("Down", `Ask ${name} later`, at === names.length - 1, () => put(moved(at + 1)))}
      {button("Remove", `Take ${name} off the list`, false, () => put(names.toSpliced(at, 1)))}
    </div>
  );
}

/** Shows a provider's exact terms; confirming them lists it. */
function ConfirmDialog({
  ai,
  provider,
  names,
  onClose,
}: {
  ai: AI;
  provider: Provider;
  names: string[];
  onClose: () => void;
}) {
  const change = useChange(ai.environment, onClose);
  const list = names.includes(provider.name) ? names : [...names, provider.name];
  const confirm = [{ provider: provider.name, terms: provider.terms }];
  return (
    <Dialog title={`Terms of ${provider.name}`} onClose={onClose}>
      <p>
        The operator of this installation states these data-use terms for the account. The audit log will name you as
        who confirmed them, for exactly these words.
      </p>
      <Terms provider={provider} />
      <Problem error={change.error} />
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          className="button primary"
          disabled={change.isPending}
          onClick={() => change.mutate({ providers: list, confirm })}
        >
          {names.includes(provider.name) ? "Confirm" : "Confirm and list"}
        </button>
      </div>
    </Dialog>
  );
}
