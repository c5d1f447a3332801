import { useQueryClient } from "@tanstack/react-query";
import { createRoute, useRouter } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { z } from "zod";
import { ApiError } from "../services/http";
import { signIn } from "../services/session";
import { rootRoute } from "./root";

export const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-in",
  validateSearch: z.object({ next: z.string().startsWith("/").optional().catch(undefined) }),
  component: SignIn,
});

function SignIn() {
  const { next } = signInRoute.useSearch();
  const router = useRouter();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget).get("token")).trim();
    setBusy(true);
    setProblem(undefined);
    try {
      await signIn(token);
      queryClient.clear();
      const page = local(next);
      if (page.startsWith("/temporal/"))
        location.assign(page); // not one of our own pages
      else router.history.push(page);
    } catch (error) {
      setProblem(explain(error));
      setBusy(false);
    }
  };

  return (
    <main className="sign-in">
      <form onSubmit={(event) => void submit(event)}>
        <h1>Midwatch</h1>
        <p className="muted">
          Sign in with an access token. Make one with <code>midwatch token create</code>.
        </p>
        <label htmlFor="token">Access token</label>
        <input
          id="token"
          name="token"
          type="password"
          autoComplete="off"
          spellCheck={false}
          autoFocus
          required
          aria-describedby="problem"
        />
        <p id="problem" className="problem" role="alert">
          {problem}
        </p>
        <button type="submit" className="button primary" disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}

/** Where to go on this site; never to another one. */
function local(next: string | undefined): string {
  if (!next) return "/services";
  const url = new URL(next, location.origin);
  return url.origin === location.origin ? url.pathname + url.search + url.hash : "/services";
}

function explain(error: unknown): string {
  if (error instanceof ApiError && error.status === 401) return "This token is unknown, revoked or expired.";
  return error instanceof Error ? error.message : "Signing in did not work.";
}
