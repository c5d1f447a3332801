package kube

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/collector/pdata/plog"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/midwatch/midwatch/collector/envelope"
	"github.com/midwatch/midwatch/collector/kube/bucket"
	"github.com/midwatch/midwatch/internal/telemetry"
)

const (
	lanes       = 384      // objects published at a time, each waiting for two answers; those of one object go one after another in one lane
	laneQueue   = 4        // objects that wait in a lane
	budgetBytes = 24 << 20 // JSON of objects between the watch and JetStream; decoded it is about six times as much
	ackTimeout  = 5 * time.Second
	retryPause  = 250 * time.Millisecond
	subjectNode = "kubernetes"  // where a node agent's subject names the node
	maxMessage  = 1<<20 - 4<<10 // what JetStream takes, headers apart
)

// publisher brings log records to JetStream. Its lanes work until run's context ends.
type publisher struct {
	js      jetstream.JetStream
	codec   *envelope.Codec
	lane    []chan func(context.Context) error
	seed    maphash.Seed
	budget  *semaphore.Weighted
	log     *slog.Logger
	counted *counters
}

func newPublisher(js jetstream.JetStream, counted *counters, log *slog.Logger) (*publisher, error) {
	codec, err := envelope.NewCodec()
	if err != nil {
		return nil, err
	}
	p := &publisher{js: js, codec: codec, seed: maphash.MakeSeed(), budget: semaphore.NewWeighted(budgetBytes), log: log, counted: counted}
	for range lanes {
		p.lane = append(p.lane, make(chan func(context.Context) error, laneQueue))
	}
	return p, nil
}

// run works off the lanes until ctx ends or a task fails for good.
func (p *publisher) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, lane := range p.lane {
		g.Go(func() error {
			for {
				select {
				case task := <-lane:
					if err := task(ctx); err != nil {
						return err
					}
				case <-ctx.Done():
					return nil
				}
			}
		})
	}
	return g.Wait()
}

// enqueue gives a task to the object's lane and blocks while that, or the memory for objects under way, is full.
func (p *publisher) enqueue(ctx context.Context, uid string, size int, task func(context.Context) error) error {
	weight := int64(min(size, budgetBytes))
	if err := p.budget.Acquire(ctx, weight); err != nil {
		return err
	}
	run := func(ctx context.Context) error {
		defer p.budget.Release(weight)
		return task(ctx)
	}
	select {
	case p.lane[maphash.String(p.seed, uid)%lanes] <- run:
		return nil
	case <-ctx.Done():
		p.budget.Release(weight)
		return ctx.Err()
	}
}

// errTooLarge means that JetStream does not take messages of that size.
var errTooLarge = errors.New("message is larger than JetStream takes")

// publish stores a message and returns when JetStream has it, however long that takes. The same id is stored once.
func (p *publisher) publish(ctx context.Context, id string, logs plog.Logs) error {
	otlp, err := new(plog.ProtoMarshaler).MarshalLogs(logs)
	if err != nil {
		return fmt.Errorf("encode log records: %w", err)
	}
	m := p.codec.Pack(envelope.Batch{ID: id, Signal: telemetry.Logs, OTLP: otlp}, subjectNode)
	if len(m.Data) > maxMessage {
		return errTooLarge
	}
	return p.insist(ctx, "publish a Kubernetes object", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, ackTimeout)
		defer cancel()
		_, err := p.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
		return err
	})
}

// insist repeats do until it succeeds, ctx ends or somebody else has taken over. While JetStream is away the watch waits.
func (p *publisher) insist(ctx context.Context, what string, do func(context.Context) error) error {
	for told := false; ; {
		err := do(ctx)
		if err == nil || errors.Is(err, bucket.ErrOvertaken) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !told {
			p.log.Warn(what+"; trying until it works", "error", err)
			told = true
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
