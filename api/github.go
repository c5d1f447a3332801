package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"go.temporal.io/api/serviceerror"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// maxDelivery bounds a webhook's body, in bytes; GitHub's own about pull requests have about 30 KB.
const maxDelivery = 1 << 20

// delivery is what is read of GitHub's webhook "pull_request".
type delivery struct {
	Action      string `json:"action"`
	PullRequest struct {
		Head struct {
			Ref  string `json:"ref"`
			Repo struct {
				FullName string `json:"full_name"`
			} `json:"repo"`
		} `json:"head"`
		Merged bool `json:"merged"`
	} `json:"pull_request"`
	Repository struct {
		FullName string `json:"full_name"`
	} `json:"repository"`
}

// gitHub takes GitHub's webhook. Its signature is the only credential. A delivery about one of our pull requests wakes the
// Remediation that waits for it, which then asks GitHub itself: a delivery that comes twice, late or from a thief of the
// secret changes nothing else.
func (s *Server) gitHub(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDelivery))
	if err != nil {
		writeProblem(w, http.StatusRequestEntityTooLarge)
		return
	}
	if !signed(s.cfg.GitHubSecret, body, r.Header.Get("X-Hub-Signature-256")) {
		if s.denials.Allow() {
			_ = s.audit(r.Context(), "github", "hooks.github", "", "denied", "the signature is missing or wrong")
		}
		writeProblem(w, http.StatusUnauthorized)
		return
	}
	var d delivery
	if r.Header.Get("X-GitHub-Event") != "pull_request" {
		w.WriteHeader(http.StatusNoContent) // a ping, or more than was asked for
		return
	}
	if err := json.Unmarshal(body, &d); err != nil {
		writeProblem(w, http.StatusUnprocessableEntity)
		return
	}
	if err := s.wake(r.Context(), d, r.Header.Get("X-GitHub-Delivery")); err != nil {
		s.cfg.Log.ErrorContext(r.Context(), "webhook of GitHub", "error", err)
		writeProblem(w, http.StatusServiceUnavailable) // it can be delivered again
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// signed compares in constant time. SHA-1 signatures, which GitHub still sends along, are not looked at.
func signed(secret string, body []byte, header string) bool {
	got, err := hex.DecodeString(strings.TrimPrefix(header, "sha256="))
	if err != nil || !strings.HasPrefix(header, "sha256=") {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hmac.Equal(got, mac.Sum(nil))
}

// wake tells the Remediation of a fix that something became of its pull request.
func (s *Server) wake(ctx context.Context, d delivery, id string) error {
	fix, err := s.ours(ctx, d)
	if err != nil || fix.ID == "" {
		return err
	}
	workflow := workflows.RemediationWorkflowID(fix.Environment, fix.ID)
	err = s.cfg.Temporal.SignalWorkflow(ctx, workflow, "", workflows.MergeSignal, code.Cut(id, 64))
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) { // nobody waits who could ask GitHub whether it is so
		return nil
	}
	if err != nil {
		return err
	}
	return s.audit(ctx, "github", "hooks.github", fix.ID, "allowed", "pull request "+code.Cut(d.Action, 40))
}

// ours finds the fix of a pull request; none is no error. The branch must be in the repository itself: in a fork anybody may
// call theirs as they like.
func (s *Server) ours(ctx context.Context, d delivery) (investigation.Fix, error) {
	id, ok := strings.CutPrefix(d.PullRequest.Head.Ref, code.BranchPrefix)
	if !ok || d.Action != "closed" || d.PullRequest.Head.Repo.FullName != d.Repository.FullName {
		return investigation.Fix{}, nil
	}
	fix, err := s.cfg.Metadata.Fix(ctx, id)
	if errors.Is(err, metadata.ErrNotFound) {
		return investigation.Fix{}, nil
	}
	if err != nil || fix.PullRequest == nil || fix.Environment != s.cfg.Environment || !strings.EqualFold(fix.PullRequest.Repository, d.Repository.FullName) {
		return investigation.Fix{}, err
	}
	return fix, nil
}
