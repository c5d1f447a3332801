import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { useShortcuts } from "../model/shortcuts";
import { useTheme } from "../model/theme";
import { incidentsQuery } from "../services/investigations";
import { signOut, type Whoami } from "../services/session";

/** The frame of all pages: name, pages, theme, who is signed in. */
export function Shell({ who }: { who: Whoami }) {
  useShortcuts();
  const reading = useLocation({ select: (l) => l.pathname.startsWith("/investigations/") });
  return (
    <>
      <a className="skip" href="#content">
        Skip to content
      </a>
      <header className="bar">
        <Link to="/services" className="brand">
          <Mark />
          Midwatch
        </Link>
        <nav aria-label="Pages">
          <Link to="/services" title="g s">
            Services
          </Link>
          <Link to="/incidents" title="g i" className={reading ? "active" : ""}>
            Incidents
            <Waiting />
          </Link>
          <Link to="/settings" title="g ,">
            Settings
          </Link>
        </nav>
        <span className="environment" title="Environment">
          {who.environment}
        </span>
        <ThemeButton />
        <Person who={who} />
      </header>
      <main id="content" tabIndex={-1}>
        <Outlet />
      </main>
    </>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 20 20" className="mark" aria-hidden="true">
      <circle cx="10" cy="10" r="8.25" />
      <path d="M10 4.5V10l3.5 2.5" />
    </svg>
  );
}

/** How many incidents wait for a person. */
function Waiting() {
  const { data } = useQuery(incidentsQuery);
  const count = data?.filter((i) => i.status === "awaiting_approval").length ?? 0;
  if (count === 0) return null;
  return (
    <span className="count" title={`${count} awaiting approval`}>
      {count}
      <span className="hidden"> awaiting approval</span>
    </span>
  );
}

function ThemeButton() {
  const [theme, next] = useTheme();
  return (
    <button type="button" className="quiet" onClick={next} title="Change the theme">
      Theme: {theme}
    </button>
  );
}

function Person({ who }: { who: Whoami }) {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const leave = async () => {
    await signOut().catch(() => undefined); // signed out already
    await navigate({ to: "/sign-in" });
    queryClient.clear();
  };
  return (
    <div className="person">
      <span title={`Role ${who.role}`}>
        {who.subject} <span className="muted">{who.role}</span>
      </span>
      <button type="button" className="quiet" onClick={() => void leave()}>
        Sign out
      </button>
    </div>
  );
}
