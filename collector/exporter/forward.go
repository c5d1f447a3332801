package exporter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/midwatch/midwatch/collector/envelope"
)

// maxNak bounds the pause before a message is delivered again, so that a restarted ingester is noticed soon.
const maxNak = 5 * time.Second

// forward brings one message to the ingester and settles it with JetStream.
func (e *Exporter) forward(ctx context.Context, m jetstream.Msg, to *ingester) {
	stop := keepAlive(ctx, m)
	err := e.deliver(ctx, m, to)
	stop()
	var wait *retryError
	switch {
	case err == nil:
		e.settle(m.Ack())
		e.counters.sent.Add(1)
	case errors.Is(err, errStranger):
		e.counters.waited.Add(1)
		e.settle(m.NakWithDelay(strangerPause))
	case errors.As(err, &wait):
		e.counters.retried.Add(1)
		if ctx.Err() == nil {
			e.cfg.Log.Debug("the ingester did not take a message; trying again", "subject", m.Subject(), "error", err)
		}
		e.settle(m.NakWithDelay(pause(m, wait.after)))
	default:
		e.counters.poison.Add(1)
		e.cfg.Log.Error("give up a message", "subject", m.Subject(), "id", m.Headers().Get(nats.MsgIdHdr), "error", err)
		e.settle(m.TermWithReason("unreadable"))
	}
}

// settle notes that an answer to JetStream got lost: the message comes again, and the ingester knows it by its id.
func (e *Exporter) settle(err error) {
	if err != nil {
		e.cfg.Log.Debug("answer JetStream", "error", err)
	}
}

// pause is what the ingester asked for, or grows with the number of deliveries.
func pause(m jetstream.Msg, asked time.Duration) time.Duration {
	if asked > 0 {
		return min(asked, maxNak)
	}
	md, err := m.Metadata()
	if err != nil {
		return maxNak
	}
	return min(250*time.Millisecond<<min(md.NumDelivered-1, 8), maxNak)
}

// keepAlive tells JetStream every heartbeat that the message is being worked on, until stop.
func keepAlive(ctx context.Context, m jetstream.Msg) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(heartbeat)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_ = m.InProgress() // if it is lost the message is delivered twice and stored once
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// deliver decodes, enriches, filters and sends. An error that is no *retryError is for ever.
func (e *Exporter) deliver(ctx context.Context, m jetstream.Msg, to *ingester) error {
	filters, err := e.cfg.Filters.Now()
	if err != nil {
		e.counters.held.Add(1)
		return &retryError{after: maxNak, err: err}
	}
	b, err := e.codec.Open(m.Subject(), m.Headers(), m.Data())
	if err != nil {
		return err
	}
	payload, err := decode(b)
	if err != nil {
		return fmt.Errorf("%w: %w", envelope.ErrPoison, err)
	}
	md, mdErr := m.Metadata()
	if mdErr == nil && e.cfg.Index != nil && e.strange.await(e.cfg.Index, payload, md, time.Now()) {
		return errStranger
	}
	ahead := time.Duration(0)
	if mdErr == nil {
		ahead = e.clocks.ahead(m.Subject(), payload.newest(), md.Timestamp)
	}
	e.enrich(payload, ahead)
	e.counters.took(payload.filter(filters))
	if payload.records() == 0 {
		return nil
	}
	redelivered := mdErr != nil || md.NumDelivered > 1
	rejected, why, err := to.send(ctx, payload, b.ID, redelivered)
	if err != nil {
		return err
	}
	if rejected > 0 {
		e.counters.rejected.Add(uint64(rejected))
		e.cfg.Log.Warn("the ingester rejected records", "subject", m.Subject(), "records", rejected, "why", why)
	}
	return nil
}
