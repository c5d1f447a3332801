package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/midwatch/midwatch/internal/auth"
)

// route is one entry of the table in routes.go.
type route struct {
	name    string // operation id, and the action in the audit log
	pattern string // "GET /api/v1/whoami"
	role    auth.Role
	summary string
	status  int   // of success; 0: 200
	maxBody int64 // bytes; 0: maxBody
}

// maxBody is what a request may bring unless its route says otherwise.
const maxBody = 32 << 10

const prefix = "/api/v1/"

// reply is how huma wants a body.
type reply[T any] struct {
	Body T
}

// described is an input that says more for the audit log.
type described interface{ audit() string }

// handle is the one front of every JSON route. It checks the role, bounds and decodes the input, records what changes
// something before it is done, and turns errors into problems. GET is not audited.
func handle[I, T any](s *Server, r route, f func(ctx context.Context, who auth.Caller, in *I) (T, error)) {
	method, path, _ := strings.Cut(r.pattern, " ")
	huma.Register(s.huma, s.operation(r, method, path), func(ctx context.Context, in *I) (*reply[T], error) {
		who, call := caller(ctx), request(ctx)
		if method != http.MethodGet {
			if err := s.audit(ctx, who.Subject, r.name, object(call), "allowed", describe(in)); err != nil {
				return nil, s.problem(ctx, err) // what cannot be recorded is not done
			}
		}
		out, err := f(ctx, who, in)
		if err != nil {
			p := s.problem(ctx, err)
			if method != http.MethodGet {
				_ = s.audit(ctx, who.Subject, r.name, object(call), "refused", p.Error())
			}
			return nil, p
		}
		return &reply[T]{Body: out}, nil
	})
}

func (s *Server) operation(r route, method, path string) huma.Operation {
	op := huma.Operation{
		OperationID: r.name, Method: method, Path: path, Summary: r.summary, DefaultStatus: r.status, MaxBodyBytes: r.maxBody,
		Metadata: map[string]any{"role": r.role}, Errors: []int{http.StatusUnauthorized, http.StatusForbidden},
		Description: "Role: " + string(r.role) + ".", Security: []map[string][]string{{"token": {}}, {"session": {}}},
	}
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxBody
	}
	return op
}

// authorize is huma's middleware: it knows the route, so it knows the role.
func (s *Server) authorize(ctx huma.Context, next func(huma.Context)) {
	op := ctx.Operation()
	role, _ := op.Metadata["role"].(auth.Role)
	if who := caller(ctx.Context()); !who.Role.Allows(role) {
		_ = s.audit(ctx.Context(), who.Subject, op.OperationID, object(request(ctx.Context())), "denied", "needs role "+string(role))
		_ = huma.WriteErr(s.huma, ctx, http.StatusForbidden, "this needs the role "+string(role))
		return
	}
	next(ctx)
}

// object is what a request acts on: its path below /api/v1/.
func object(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, prefix) }

func describe(in any) string {
	if d, ok := in.(described); ok {
		return d.audit()
	}
	return ""
}

func (s *Server) audit(ctx context.Context, subject, action, object, outcome, detail string) error {
	err := s.cfg.Metadata.Audit(context.WithoutCancel(ctx), subject, action, object, outcome, detail)
	if err != nil {
		s.cfg.Log.Error("audit log", "action", action, "object", object, "error", err)
	}
	return err
}
