package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/investigation"
)

// Incidents lists the newest incidents.
func (c *Client) Incidents(ctx context.Context) (wire.IncidentList, error) {
	return get[wire.IncidentList](ctx, c, at("incidents"), nil)
}

// Incident returns one incident.
func (c *Client) Incident(ctx context.Context, id string) (wire.IncidentDetail, error) {
	return get[wire.IncidentDetail](ctx, c, at("incidents/%s", id), nil)
}

// Investigations lists the newest investigations.
func (c *Client) Investigations(ctx context.Context) (wire.InvestigationList, error) {
	return get[wire.InvestigationList](ctx, c, at("investigations"), nil)
}

// Investigation returns one investigation, its evidence without results.
func (c *Client) Investigation(ctx context.Context, id string) (wire.InvestigationDetail, error) {
	return get[wire.InvestigationDetail](ctx, c, at("investigations/%s", id), nil)
}

// Evidence returns one piece of evidence with its result.
func (c *Client) Evidence(ctx context.Context, investigationID, id string) (investigation.Evidence, error) {
	return get[investigation.Evidence](ctx, c, at("investigations/%s/evidence/%s", investigationID, id), nil)
}

// Ask starts an investigation. Times that the question names are of the local clock.
func (c *Client) Ask(ctx context.Context, question, service string) (wire.Asked, error) {
	_, offset := time.Now().Zone()
	return put[wire.Asked](ctx, c, http.MethodPost, at("investigations"), wire.Ask{Question: question, Service: service, Offset: offset / 60})
}

// AskQuestion asks a follow-up question about an investigation. A request that is named asks nothing twice. It returns ErrNotFound
// when the investigation does not exist, and an *Error of status 429 where enough was asked.
func (c *Client) AskQuestion(ctx context.Context, id string, q wire.AskQuestion) (investigation.Question, error) {
	return put[investigation.Question](ctx, c, http.MethodPost, at("investigations/%s/questions", id), q)
}

// Questions lists the follow-up questions about an investigation, oldest first.
func (c *Client) Questions(ctx context.Context, id string) (wire.QuestionList, error) {
	return get[wire.QuestionList](ctx, c, at("investigations/%s/questions", id), nil)
}

// CancelQuestion ends the search for an answer, or returns ErrConflict.
func (c *Client) CancelQuestion(ctx context.Context, id, question string) (wire.Cancelled, error) {
	return put[wire.Cancelled](ctx, c, http.MethodPost, at("investigations/%s/questions/%s/cancel", id, question), nil)
}

// Replay investigates again on the stored evidence of an investigation; analyst is "builtin" or a model provider's name. It
// returns ErrConflict where that is not possible.
func (c *Client) Replay(ctx context.Context, id, analyst string) (wire.Replayed, error) {
	return put[wire.Replayed](ctx, c, http.MethodPost, at("investigations/%s/replays", id), wire.Replay{Analyst: analyst})
}

// Watch calls each with an investigation as it is and again whenever it changes, until each returns false, ctx ends or
// the server ends the stream, which is no error. It returns ErrNotFound when the investigation does not exist yet.
func (c *Client) Watch(ctx context.Context, id string, each func(wire.InvestigationDetail) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	res, err := c.send(ctx, http.MethodGet, at("investigations/%s/events", id), nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, maxAnswer)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var d wire.InvestigationDetail
		if err := json.Unmarshal([]byte(data), &d); err != nil {
			return fmt.Errorf("read event of %s: %w", id, err)
		}
		if !each(d) {
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("watch %s: %w", id, err)
	}
	return nil
}

// Fixes lists the newest fixes.
func (c *Client) Fixes(ctx context.Context) (wire.FixList, error) {
	return get[wire.FixList](ctx, c, at("fixes"), nil)
}

// Fix returns one fix.
func (c *Client) Fix(ctx context.Context, id string) (investigation.Fix, error) {
	return get[investigation.Fix](ctx, c, at("fixes/%s", id), nil)
}

// Approve approves the fix of exactly this digest, or returns ErrConflict.
func (c *Client) Approve(ctx context.Context, id, digest string) (wire.Decision, error) {
	return put[wire.Decision](ctx, c, http.MethodPost, at("fixes/%s/approve", id), wire.Approve{Digest: digest})
}

// Reject rejects the fix of exactly this digest, or returns ErrConflict.
func (c *Client) Reject(ctx context.Context, id, digest, reason string) (wire.Decision, error) {
	return put[wire.Decision](ctx, c, http.MethodPost, at("fixes/%s/reject", id), wire.Reject{Digest: digest, Reason: reason})
}
