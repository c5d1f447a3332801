import { createRoute } from "@tanstack/react-router";
import { AISummary } from "../settings/AISummary";
import { AuditLog } from "../settings/AuditLog";
import { Installation } from "../settings/Installation";
import { RetentionPanel } from "../settings/Retention";
import { Tokens } from "../settings/Tokens";
import { Tools } from "../settings/Tools";
import { allows } from "../services/session";
import { appRoute } from "./app";

export const settingsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/settings",
  component: SettingsPage,
});

function SettingsPage() {
  const { who } = settingsRoute.useRouteContext();
  const admin = allows(who.role, "admin");
  return (
    <>
      <div className="head">
        <h1>Settings</h1>
      </div>
      <div className="settings">
        <Installation who={who} />
        <AISummary environment={who.environment} admin={admin} />
        <RetentionPanel admin={admin} />
        {admin ? (
          <>
            <Tokens />
            <AuditLog />
          </>
        ) : (
          <section className="panel wide">
            <h2>Tokens and audit log</h2>
            <p className="muted">Only an admin sees these. Your role is {who.role}.</p>
          </section>
        )}
        <Tools />
      </div>
    </>
  );
}
