import { useLocation, useNavigate } from "@tanstack/react-router";
import { createContext, type ReactNode, useContext, useState } from "react";

interface Opening {
  isOpen: (evidence: string) => boolean;
  toggle: (evidence: string) => void;
  /** Opens evidence and leads to it; the URL then names it. */
  show: (evidence: string) => void;
}

const OpeningContext = createContext<Opening>({ isOpen: () => false, toggle: () => {}, show: () => {} });

/** Keeps which pieces of evidence are open. One that the URL names after # is open from the start. */
export function EvidenceOpening({ children }: { children: ReactNode }) {
  const hash = useLocation({ select: (l) => l.hash });
  const navigate = useNavigate();
  const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set([hash]));
  const set = (evidence: string, isOpen: boolean) =>
    setOpen((before) => {
      const after = new Set(before);
      if (isOpen) after.add(evidence);
      else after.delete(evidence);
      return after;
    });
  const opening: Opening = {
    isOpen: (evidence) => open.has(evidence),
    toggle: (evidence) => set(evidence, !open.has(evidence)),
    show: (evidence) => {
      set(evidence, true);
      void navigate({ to: ".", search: true, hash: evidence, replace: true, hashScrollIntoView: true });
    },
  };
  return <OpeningContext value={opening}>{children}</OpeningContext>;
}

export function useOpening(): Opening {
  return useContext(OpeningContext);
}

/** Links to pieces of evidence. */
export function EvidenceLinks({ ids }: { ids: string[] }) {
  const { show } = useOpening();
  return (
    <span className="evidence-links">
      {ids.map((id) => (
        <a
          key={id}
          href={`#${id}`}
          aria-label={`Evidence ${id}`}
          onClick={(event) => {
            event.preventDefault();
            show(id);
          }}
        >
          {id}
        </a>
      ))}
    </span>
  );
}
