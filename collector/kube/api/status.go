package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// StatusError is an answer of the API server other than success.
type StatusError struct {
	Code    int
	Reason  string // as metav1.StatusReason: Forbidden, Expired
	Message string
	After   time.Duration // as it asks to wait; 0 when it does not
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("Kubernetes API: %d %s: %s", e.Code, e.Reason, e.Message)
}

// Errors that a caller acts on.
var (
	ErrExpired   = errors.New("kubernetes: resource version is too old")                // list again
	ErrForbidden = errors.New("kubernetes: no permission")                              // report, try again later
	ErrNotServed = errors.New("kubernetes: the API server does not serve the resource") // report, try again later
)

// Is maps an answer to what a caller does about it.
func (e *StatusError) Is(target error) bool {
	switch target {
	case ErrExpired:
		// "Too large resource version" is of a cluster that was restored from a backup: what we reached never was.
		return e.Code == http.StatusGone || e.Reason == "Expired" || strings.Contains(e.Message, "Too large resource version")
	case ErrForbidden:
		return e.Code == http.StatusForbidden || e.Code == http.StatusUnauthorized
	case ErrNotServed:
		return e.Code == http.StatusNotFound || e.Code == http.StatusMethodNotAllowed
	}
	return false
}

// status reads an error answer or an ERROR event of a watch.
func status(code int, header http.Header, body io.Reader) error {
	var s struct {
		Code    int    `json:"code"`
		Reason  string `json:"reason"`
		Message string `json:"message"`
	}
	b, err := io.ReadAll(io.LimitReader(body, 64<<10))
	if err != nil || json.Unmarshal(b, &s) != nil || s.Message == "" {
		s.Message = strings.ToValidUTF8(string(b[:min(len(b), 256)]), "")
	}
	if s.Code == 0 {
		s.Code = code
	}
	e := &StatusError{Code: s.Code, Reason: s.Reason, Message: s.Message}
	if d, err := time.ParseDuration(header.Get("Retry-After") + "s"); err == nil {
		e.After = d
	}
	return e
}
