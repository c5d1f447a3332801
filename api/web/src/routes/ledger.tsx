import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { createRoute, Link, useNavigate } from "@tanstack/react-router";
import { z } from "zod";
import { Failure, Loading } from "../components/Notice";
import { Days } from "../ledger/Days";
import { LedgerEntryView } from "../ledger/LedgerEntryView";
import { LedgerTable } from "../ledger/LedgerTable";
import { providersQuery } from "../services/ai";
import { callStates, ledgerEntryQuery, ledgerQuery } from "../services/ledger";
import { appRoute } from "./app";

const search = z.object({
  investigation: z.string().optional().catch(undefined),
  provider: z.string().optional().catch(undefined),
  state: z.enum(callStates).optional().catch(undefined),
});

export const ledgerRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/settings/ledger",
  validateSearch: search,
  component: LedgerPage,
});

function LedgerPage() {
  const { investigation, provider, state } = ledgerRoute.useSearch();
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    ledgerQuery({ investigation, provider, state }),
  );
  return (
    <>
      <Crumbs />
      <div className="head">
        <h1>Ledger</h1>
        <Filters />
      </div>
      <p className="muted">
        Every call to a model, as it was made. A call that has not ended counts with the most it can take.
      </p>
      {data ? (
        <>
          <Days days={data.pages[0]?.days ?? []} />
          <LedgerTable entries={data.pages.flatMap((p) => p.entries)} />
          {hasNextPage && (
            <p>
              <button
                type="button"
                className="button"
                disabled={isFetchingNextPage}
                onClick={() => void fetchNextPage()}
              >
                Older calls
              </button>
            </p>
          )}
        </>
      ) : error ? (
        <Failure error={error} retry={() => void refetch()} />
      ) : (
        <Loading />
      )}
    </>
  );
}

function Crumbs() {
  return (
    <p className="crumbs">
      <Link to="/settings">Settings</Link> / <Link to="/settings/ai">AI</Link>
    </p>
  );
}

/** The filters; they are in the URL. */
function Filters() {
  const navigate = useNavigate({ from: ledgerRoute.fullPath });
  const { investigation, provider, state } = ledgerRoute.useSearch();
  const providers = useQuery(providersQuery).data ?? [];
  const set = (change: Record<string, string>) =>
    void navigate({
      search: (before) => ({
        ...before,
        ...Object.fromEntries(Object.entries(change).map(([name, value]) => [name, value || undefined])),
      }),
      replace: true,
    });
  return (
    <>
      <input
        type="search"
        data-filter
        placeholder="Investigation  /"
        aria-label="Only this investigation"
        value={investigation ?? ""}
        onChange={(event) => set({ investigation: event.target.value.trim() })}
      />
      <select
        aria-label="Only this provider"
        value={provider ?? ""}
        onChange={(event) => set({ provider: event.target.value })}
      >
        <option value="">every provider</option>
        {providers.map((p) => (
          <option key={p.name}>{p.name}</option>
        ))}
      </select>
      <select aria-label="Only this state" value={state ?? ""} onChange={(event) => set({ state: event.target.value })}>
        <option value="">every state</option>
        {callStates.map((s) => (
          <option key={s}>{s}</option>
        ))}
      </select>
    </>
  );
}

export const ledgerEntryRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/settings/ledger/$id",
  component: function LedgerEntryPage() {
    const { id } = ledgerEntryRoute.useParams();
    const { data, error, refetch } = useQuery(ledgerEntryQuery(id));
    return (
      <>
        <p className="crumbs">
          <Link to="/settings">Settings</Link> / <Link to="/settings/ai">AI</Link> /{" "}
          <Link to="/settings/ledger">Ledger</Link>
        </p>
        {data ? (
          <LedgerEntryView key={id} entry={data} />
        ) : error ? (
          <Failure error={error} retry={() => void refetch()} />
        ) : (
          <Loading />
        )}
      </>
    );
  },
});
