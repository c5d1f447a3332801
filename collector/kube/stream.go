package kube

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/midwatch/midwatch/collector/kube/api"
	"github.com/midwatch/midwatch/collector/kube/object"
)

const (
	firstBackoff = 250 * time.Millisecond
	maxBackoff   = 15 * time.Second
	shortWatch   = time.Second // a watch that ends sooner with nothing seen is not opened again at once
)

// sighting is one object as the API server told it.
type sighting struct {
	object  object.Object // as it came, kind and apiVersion set
	version string
	deleted bool
	changed bool // a watch told of it as one that it had told of before
	listed  bool // found by a list
	live    bool // seen as it happened
	first   bool // found by the first list ever
	seen    time.Time
	size    int // bytes of JSON
}

// sink takes what a stream sees, in order. It may block; an error ends the stream.
type sink interface {
	lists() // a list begins; one before it that was not told to its end counts for nothing
	see(ctx context.Context, s sighting) error
	reach(version string)                             // a bookmark: nothing happened up to there
	listed(ctx context.Context, version string) error // everything there is has been seen
	watching()                                        // from here on what happens is seen
	caughtUp()                                        // what had happened before is not told any more
}

// stream lists and watches one resource for ever.
type stream struct {
	client  *api.Client
	choices []api.Resource // the same resource in several versions: the first that is served counts
	from    string         // resource version to go on from; "" lists
	sink    sink
	state   *kindState
	retry   time.Duration
	now     func() time.Time
	log     *slog.Logger
}

// run returns when ctx ends (nil) or the sink refuses.
func (s *stream) run(ctx context.Context) error {
	wait := firstBackoff
	for {
		progressed, err := s.once(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // a clean stop
		}
		var refused *refusal
		pause := wait
		switch {
		case errors.As(err, &refused):
			return refused.err
		case errors.Is(err, api.ErrExpired):
			s.log.Info("what was watched of a Kubernetes resource is too old; listing it", "resource", s.name(), "error", err)
			s.from = ""
			s.state.relisted()
		case errors.Is(err, api.ErrForbidden), errors.Is(err, api.ErrNotServed):
			s.unwatched(err)
			pause = s.retry
		case err != nil:
			s.log.Debug("watch a Kubernetes resource; trying again", "resource", s.name(), "error", err)
		}
		var asked *api.StatusError
		if errors.As(err, &asked) {
			pause = max(pause, min(asked.After, maxBackoff))
		}
		if progressed {
			wait = firstBackoff
			if err == nil {
				continue
			}
		} else {
			wait = min(2*wait, maxBackoff)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *stream) name() string { return s.choices[0].String() }

func (s *stream) unwatched(err error) {
	reason := reasonForbidden
	if errors.Is(err, api.ErrNotServed) {
		reason = reasonNotServed
		s.sink.caughtUp() // there is nothing to see
	}
	if s.state.lose(reason) {
		level := slog.LevelWarn
		if reason == reasonNotServed { // many clusters have no Gateway API
			level = slog.LevelInfo
		}
		s.log.Log(context.Background(), level, "a Kubernetes resource is not watched; it is tried again now and then", "resource", s.name(), "reason", reason, "error", err)
	}
}

// refusal is an error of the sink, as opposed to one of the API server.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// choose finds the version that is served.
func (s *stream) choose(ctx context.Context) (r api.Resource, err error) {
	for _, r = range s.choices {
		if err = s.client.Served(ctx, r); !errors.Is(err, api.ErrNotServed) {
			return r, err
		}
	}
	return r, err
}

// once lists, if it must, and watches until the watch ends. progressed says that something was seen.
func (s *stream) once(ctx context.Context) (progressed bool, err error) {
	r, err := s.choose(ctx)
	if err != nil {
		return false, err
	}
	var past string // what happened up to here is told late
	if s.from == "" {
		if past, err = s.list(ctx, r); err != nil {
			return false, err
		}
		s.sink.caughtUp()
		s.from, progressed = past, true
	} else if past, err = s.client.Version(ctx, r); err != nil {
		return false, err
	}
	if s.state.win() {
		s.log.Info("a Kubernetes resource is watched", "resource", r.String(), "version", r.Version)
	}
	s.sink.watching()
	began, events := s.now(), 0
	err = s.client.Watch(ctx, r, s.from, func(e api.Event) error {
		events++
		return s.event(ctx, r, e, past)
	})
	return progressed || events > 0 || s.now().Sub(began) > shortWatch, err
}

func (s *stream) list(ctx context.Context, r api.Resource) (version string, err error) {
	s.sink.lists()
	version, err = s.client.List(ctx, r, func(raw []byte) error {
		o, ok := s.parse(r, raw)
		if !ok {
			return nil
		}
		return refuse(s.sink.see(ctx, sighting{object: o, version: o.ResourceVersion(), listed: true, seen: s.now(), size: len(raw)}))
	})
	if err != nil {
		return "", err
	}
	return version, refuse(s.sink.listed(ctx, version))
}

func (s *stream) event(ctx context.Context, r api.Resource, e api.Event, past string) error {
	if e.Type == api.Bookmark {
		var b struct {
			Metadata struct {
				ResourceVersion string `json:"resourceVersion"`
			} `json:"metadata"`
		}
		if json.Unmarshal(e.Object, &b) == nil && b.Metadata.ResourceVersion != "" {
			s.from = b.Metadata.ResourceVersion
			s.sink.reach(s.from)
			s.came(past)
		}
		return nil
	}
	o, ok := s.parse(r, e.Object)
	if !ok {
		return nil
	}
	version := o.ResourceVersion()
	err := s.sink.see(ctx, sighting{
		object: o, version: version, deleted: e.Type == api.Deleted, changed: e.Type == api.Modified, live: !olderOrSame(version, past), seen: s.now(), size: len(e.Object),
	})
	if err != nil {
		return refuse(err)
	}
	s.from = version
	s.came(past)
	return nil
}

// came tells the sink once the watch is where the resource was when it began.
func (s *stream) came(past string) {
	if s.from == past || !olderOrSame(s.from, past) {
		s.sink.caughtUp()
	}
}

// parse decodes an object and says what it is, which items of lists do not. What cannot be read is counted.
func (s *stream) parse(r api.Resource, raw []byte) (o object.Object, ok bool) {
	o, err := object.Parse(raw)
	if err != nil {
		s.state.unreadable.Add(1)
		s.log.Warn("skip an object that cannot be read", "resource", r.String(), "error", err)
		return nil, false
	}
	o["kind"], o["apiVersion"] = r.Kind, r.APIVersion()
	return o, true
}

func refuse(err error) error {
	if err == nil {
		return nil
	}
	return &refusal{err}
}
