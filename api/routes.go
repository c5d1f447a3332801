package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/midwatch/midwatch/api/hook"
	"github.com/midwatch/midwatch/internal/auth"
)

// routes is the table of everything the api answers.
func (s *Server) routes() http.Handler {
	api := http.NewServeMux()
	s.huma = humago.New(api, s.humaConfig())
	s.huma.UseMiddleware(s.authorize)
	s.jsonRoutes()
	api.HandleFunc("GET /api/v1/openapi.json", s.openAPI)
	api.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { writeProblem(w, http.StatusNotFound) })

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	if s.cfg.GitHubSecret != "" {
		mux.HandleFunc("POST /hooks/github", s.gitHub)
	}
	mux.Handle("POST /api/v1/session", anonymous(s.signIn()))
	mux.Handle("/api/", s.identify(api))
	mux.Handle("/hooks/", s.identify(api))
	if s.cfg.Codec != nil {
		mux.Handle("/codec/", s.identify(s.codec()))
	}
	if s.cfg.TemporalUI != nil {
		mux.Handle(temporalPath, s.identify(s.temporalUI()))
	}
	mux.Handle("/", s.web())
	return s.logged(s.guard(mux))
}

// jsonRoutes registers the JSON API.
func (s *Server) jsonRoutes() {
	handle(s, route{"whoami", "GET /api/v1/whoami", auth.Viewer, "Who am I, and what is here?", 0, 0}, s.whoami)
	handle(s, route{"services.list", "GET /api/v1/services", auth.Viewer, "Services with rate, errors, latency and a sparkline", 0, 0}, s.listServices)
	handle(s, route{"services.get", "GET /api/v1/services/{name}", auth.Viewer, "One service: series, operations, edges, changes", 0, 0}, s.getService)
	handle(s, route{"edges.list", "GET /api/v1/edges", auth.Viewer, "Who calls whom", 0, 0}, s.listEdges)
	handle(s, route{"changes.list", "GET /api/v1/changes", auth.Viewer, "Deployments, starts, exits and OOM kills", 0, 0}, s.listChanges)

	handle(s, route{"rules.list", "GET /api/v1/rules", auth.Viewer, "Alert rules that people wrote, and what became of them when they were evaluated last", 0, 0}, s.listRules)

	handle(s, route{"incidents.list", "GET /api/v1/incidents", auth.Viewer, "Newest incidents", 0, 0}, s.listIncidents)
	handle(s, route{"incidents.get", "GET /api/v1/incidents/{id}", auth.Viewer, "One incident", 0, 0}, s.getIncident)
	handle(s, route{"investigations.list", "GET /api/v1/investigations", auth.Viewer, "Newest investigations", 0, 0}, s.listInvestigations)
	handle(s, route{"investigations.get", "GET /api/v1/investigations/{id}", auth.Viewer, "One investigation, evidence without results", 0, 0}, s.getInvestigation)
	handle(s, route{"evidence.get", "GET /api/v1/investigations/{id}/evidence/{eid}", auth.Viewer, "One piece of evidence with its result", 0, 0}, s.getEvidence)
	handle(s, route{"investigations.ask", "POST /api/v1/investigations", auth.Operator, "Start an investigation", http.StatusAccepted, 0}, s.ask)
	handle(s, route{"investigations.cancel", "POST /api/v1/investigations/{id}/cancel", auth.Operator, "Cancel an investigation that runs, and its incident", http.StatusAccepted, 0}, s.cancel)
	handle(s, route{"investigations.replay", "POST /api/v1/investigations/{id}/replays", auth.Operator, "Investigate again on the stored evidence, with another analyst", http.StatusAccepted, 0}, s.replay)
	handle(s, route{"questions.list", "GET /api/v1/investigations/{id}/questions", auth.Viewer, "Follow-up questions and their answers", 0, 0}, s.listQuestions)
	handle(s, route{"questions.ask", "POST /api/v1/investigations/{id}/questions", auth.Operator, "Ask a follow-up question about an investigation, running or ended", http.StatusAccepted, 0}, s.askQuestion)
	handle(s, route{"questions.cancel", "POST /api/v1/investigations/{id}/questions/{qid}/cancel", auth.Operator, "Cancel a question that has no answer yet", http.StatusAccepted, 0}, s.cancelQuestion)
	s.eventRoute(route{"investigations.events", "GET /api/v1/investigations/{id}/events", auth.Viewer, "The investigation again whenever it changes", 0, 0})

	handle(s, route{"fixes.list", "GET /api/v1/fixes", auth.Viewer, "Newest fixes", 0, 0}, s.listFixes)
	handle(s, route{"fixes.get", "GET /api/v1/fixes/{id}", auth.Viewer, "One fix", 0, 0}, s.getFix)
	handle(s, route{"fixes.approve", "POST /api/v1/fixes/{id}/approve", auth.Approver, "Approve one exact fix", http.StatusAccepted, 0}, s.approve)
	handle(s, route{"fixes.reject", "POST /api/v1/fixes/{id}/reject", auth.Approver, "Reject one exact fix", http.StatusAccepted, 0}, s.reject)

	handle(s, route{"hooks.alertmanager", "POST /hooks/alertmanager", auth.Reporter, "Alertmanager's webhook, version 4", http.StatusAccepted, hook.MaxBody}, post(s, hook.Alertmanager))
	handle(s, route{"hooks.grafana", "POST /hooks/grafana", auth.Reporter, "The webhook of Grafana's unified alerting", http.StatusAccepted, hook.MaxBody}, post(s, hook.Grafana))

	handle(s, route{"tools.list", "GET /api/v1/tools", auth.Viewer, "The tools", 0, 0}, s.listTools)
	handle(s, route{"tools.run", "POST /api/v1/tools/{name}", auth.Operator, "Run a tool", 0, 256 << 10}, s.runTool)

	handle(s, route{"tokens.list", "GET /api/v1/tokens", auth.Admin, "Tokens, without their text", 0, 0}, s.listTokens)
	handle(s, route{"tokens.create", "POST /api/v1/tokens", auth.Admin, "Make a token", http.StatusCreated, 0}, s.createToken)
	handle(s, route{"tokens.revoke", "DELETE /api/v1/tokens/{id}", auth.Admin, "Revoke a token and its sessions", 0, 0}, s.revokeToken)
	handle(s, route{"settings.get", "GET /api/v1/settings", auth.Viewer, "Settings", 0, 0}, s.getSettings)
	handle(s, route{"settings.put", "PUT /api/v1/settings", auth.Admin, "Change the settings", 0, 0}, s.putSettings)
	handle(s, route{"ai.get", "GET /api/v1/environments/{environment}/ai", auth.Viewer, "What models may do and see, and who they are", 0, 0}, s.getAI)
	handle(s, route{"ai.put", "PUT /api/v1/environments/{environment}/ai", auth.Admin, "Switch AI on or off, and say who may be asked and what they may see", 0, 128 << 10}, s.putAI)
	handle(s, route{"providers.list", "GET /api/v1/ai/providers", auth.Viewer, "The configured model providers, without secrets", 0, 0}, s.listProviders)
	handle(s, route{"ledger.list", "GET /api/v1/ledger", auth.Admin, "Calls to models, without what was sent and received", 0, 0}, s.listLedger)
	handle(s, route{"ledger.read", "GET /api/v1/ledger/{id}", auth.Admin, "One call with all that was sent and received; audited", 0, 0}, s.getLedgerEntry)
	handle(s, route{"audit.list", "GET /api/v1/audit", auth.Admin, "The newest entries of the audit log", 0, 0}, s.listAudit)

	huma.Register(s.huma, s.operation(route{"session.close", "", auth.Viewer, "Sign a browser out", http.StatusNoContent, 0},
		http.MethodDelete, "/api/v1/session"), s.closeSession)
}

// signIn is the one JSON route without a caller; it has an API of its own, so that no other can slip in.
func (s *Server) signIn() http.Handler {
	mux := http.NewServeMux()
	open := humago.New(mux, s.humaConfig())
	huma.Register(open, huma.Operation{
		OperationID: "session.open", Method: http.MethodPost, Path: "/api/v1/session", DefaultStatus: http.StatusNoContent,
		Summary: "Sign a browser in", MaxBodyBytes: maxBody, SkipValidateBody: true,
	}, s.openSession)
	return mux
}

func (s *Server) humaConfig() huma.Config {
	c := huma.DefaultConfig("Midwatch", "1")
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", "" // the document is served behind a token, no page loads scripts from elsewhere
	c.CreateHooks = nil                                   // no "$schema" in bodies
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer"},
		"session": {Type: "apiKey", In: "cookie", Name: sessionCookie},
	}
	return c
}

func (s *Server) openAPI(w http.ResponseWriter, r *http.Request) {
	doc, err := s.OpenAPI()
	if err != nil {
		s.cfg.Log.ErrorContext(r.Context(), "openapi", "error", err)
		writeProblem(w, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(doc)
}
