package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/promql"
	"github.com/midwatch/midwatch/internal/tools"
)

var (
	// errConflict means the request does not fit the state of things: a digest that differs, a fix already decided.
	errConflict = errors.New("conflict")
	// errInvalid means the request cannot be answered as it is.
	errInvalid = errors.New("invalid")
	// errBusy means come back later.
	errBusy = errors.New("busy")
	// errTooMany means the caller has enough of these under way.
	errTooMany = errors.New("too many")
)

// refusal is an error whose text is for the caller; kind decides the status.
type refusal struct {
	kind error
	text string
}

func (r refusal) Error() string { return r.text }
func (r refusal) Unwrap() error { return r.kind }

func refuse(kind error, text string) error { return refusal{kind: kind, text: text} }

// problem is the one place where an error becomes a status. Whatever is not meant for the caller is logged instead.
func (s *Server) problem(ctx context.Context, err error) huma.StatusError {
	text := ""
	var r refusal
	if errors.As(err, &r) {
		text = r.text
	}
	switch {
	case errors.Is(err, metadata.ErrNotFound), errors.Is(err, tools.ErrUnknownTool):
		return huma.NewError(http.StatusNotFound, text)
	case errors.Is(err, promql.ErrExpression), errors.Is(err, auth.ErrGrant):
		return huma.NewError(http.StatusUnprocessableEntity, err.Error())
	case errors.Is(err, tools.ErrNoAnswer):
		return huma.NewError(http.StatusNotFound, err.Error())
	case errors.Is(err, errConflict):
		return huma.NewError(http.StatusConflict, text)
	case errors.Is(err, errInvalid):
		return huma.NewError(http.StatusUnprocessableEntity, text)
	case errors.Is(err, tools.ErrArguments):
		return huma.NewError(http.StatusUnprocessableEntity, err.Error())
	case errors.Is(err, errTooMany):
		return huma.NewError(http.StatusTooManyRequests, text)
	case errors.Is(err, errBusy):
		return huma.NewError(http.StatusServiceUnavailable, text)
	case errors.Is(err, context.DeadlineExceeded):
		return huma.NewError(http.StatusGatewayTimeout, "it took too long; ask for less, or later")
	}
	s.cfg.Log.ErrorContext(ctx, "request", "path", request(ctx).URL.Path, "error", err)
	return huma.NewError(http.StatusInternalServerError, "something went wrong here; the log of the api says what")
}

// writeProblem is for what is refused before any route is known.
func writeProblem(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status})
}
