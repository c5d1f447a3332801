import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Facts } from "../components/Facts";
import { Moment } from "../components/Times";
import { readRequest, readResponse } from "../model/conversation";
import { exact } from "../model/exact";
import { duration, number } from "../model/format";
import { dollars, redacted } from "../model/models";
import type { LedgerEntry } from "../services/ledger";
import { Body } from "./Body";
import { StateBadge } from "./LedgerTable";

/** One call to a model, with all that was sent and received. All of it is plain text. */
export function LedgerEntryView({ entry: e }: { entry: LedgerEntry }) {
  const [wanted, setWanted] = useState("");
  return (
    <>
      <div className="head">
        <h1>
          Call of turn {e.call.turn} to {e.provider}
        </h1>
        <input
          type="search"
          data-filter
          placeholder="Search  /"
          aria-label="Search in what was sent and received"
          value={wanted}
          onChange={(event) => setWanted(event.target.value)}
        />
      </div>
      <Facts className="answer" facts={facts(e)} />
      {e.error && <p className="problem">{exact(e.error)}</p>}
      <Body title="Sent" body={e.request ?? null} read={readRequest(e.request)} wanted={wanted} />
      {e.response === undefined || e.response === null ? (
        <p className="muted">{e.state === "begun" ? "No answer yet." : "Nothing was received."}</p>
      ) : (
        <Body title="Received" body={e.response} read={readResponse(e.response)} wanted={wanted} />
      )}
    </>
  );
}

function facts(e: LedgerEntry): [string, React.ReactNode][] {
  const { input, output, cache_read, cache_write } = e.usage;
  return [
    ["State", <StateBadge state={e.state} />],
    ["Begun", <Moment at={e.begun_at} />],
    ["Took", e.ended_at && duration(e.ended_at.getTime() - e.begun_at.getTime())],
    ["Model", <span className="mono">{e.model}</span>],
    ["Account", e.account],
    ["Tokens in", number(input)],
    ["From cache", cache_read > 0 && number(cache_read)],
    ["To cache", cache_write > 0 && number(cache_write)],
    ["Tokens out", number(output)],
    ["Cost", dollars(e.cost)],
    ["Data", e.data_types.join(", ")],
    ["Redacted", redacted(e.redactions).join(", ") || "nothing"],
    [
      "Investigation",
      <Link to="/investigations/$id" params={{ id: e.call.investigation }}>
        {e.call.investigation}
      </Link>,
    ],
    ["Attempt", e.attempt > 1 && number(e.attempt)],
    ["Ledger id", <span className="mono">{e.id}</span>],
  ].map(([name, value]): [string, React.ReactNode] => [name as string, value === false ? undefined : value]);
}
