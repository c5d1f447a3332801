package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/midwatch/midwatch/internal/metadata"
)

const (
	maxStreams = 128                    // live event streams at once
	eventPoll  = 500 * time.Millisecond // how stale a page may be
	eventBeat  = 15 * time.Second       // a comment that keeps proxies awake, and a look whether the token still counts
	eventLife  = time.Hour              // then the browser connects anew
	eventWrite = 10 * time.Second       // a reader slower than this is gone
)

// eventRoute registers the server-sent events of an investigation: an event "state" with the whole wire.InvestigationDetail
// at once and whenever it changes, its id the revision. The stream never ends by itself before an hour: a fix may be
// decided long after the report.
func (s *Server) eventRoute(r route) {
	op := s.operation(r, http.MethodGet, "/api/v1/investigations/{id}/events")
	op.Responses = map[string]*huma.Response{"200": {
		Description: `events "state", data: InvestigationDetail`,
		Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	huma.Register(s.huma, op, func(ctx context.Context, in *IDInput) (*huma.StreamResponse, error) {
		if _, err := s.cfg.Metadata.Revision(ctx, in.ID); err != nil {
			return nil, s.problem(ctx, err)
		}
		select {
		case s.streams <- struct{}{}:
		default:
			return nil, s.problem(ctx, refuse(errBusy, "too many live pages are open"))
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			defer func() { <-s.streams }()
			hc.SetHeader("Content-Type", "text/event-stream")
			hc.SetHeader("Cache-Control", "no-store")
			_, w := humago.Unwrap(hc)
			if err := s.stream(hc.Context(), w, in.ID); err != nil && hc.Context().Err() == nil {
				s.cfg.Log.Debug("event stream", "investigation", in.ID, "error", err)
			}
		}}, nil
	})
}

// stream writes events until the reader leaves, loses the right to read, or has read for an hour.
func (s *Server) stream(ctx context.Context, w http.ResponseWriter, id string) error {
	poll, beat := time.NewTicker(eventPoll), time.NewTicker(eventBeat)
	defer poll.Stop()
	defer beat.Stop()
	end := time.After(eventLife)
	var sent int64
	for {
		if err := s.sendChange(ctx, w, id, &sent); err != nil {
			return err
		}
		select {
		case <-poll.C:
		case <-beat.C:
			if !s.stillValid(ctx) {
				return nil
			}
			if err := send(w, ": still here\n\n"); err != nil {
				return err
			}
		case <-end:
			return nil
		case <-s.closing:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Server) sendChange(ctx context.Context, w http.ResponseWriter, id string, sent *int64) error {
	now, err := s.cfg.Metadata.Revision(ctx, id)
	if err != nil || now == *sent {
		return ignoreNotFound(err)
	}
	detail, err := s.investigation(ctx, id)
	if err != nil {
		return err
	}
	data, err := json.Marshal(detail)
	if err != nil {
		return err
	}
	*sent = detail.Revision
	return send(w, fmt.Sprintf("event: state\nid: %d\ndata: %s\n\n", detail.Revision, data))
}

func ignoreNotFound(err error) error {
	if errors.Is(err, metadata.ErrNotFound) {
		return nil
	}
	return err
}

func send(w http.ResponseWriter, text string) error {
	c := http.NewResponseController(w)
	if err := c.SetWriteDeadline(time.Now().Add(eventWrite)); err != nil {
		return err
	}
	if _, err := w.Write([]byte(text)); err != nil {
		return err
	}
	if err := c.Flush(); err != nil {
		return err
	}
	return c.SetWriteDeadline(time.Time{}) // HTTP/2 would end the stream at the deadline though nothing is being written
}
