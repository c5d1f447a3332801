package kube

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/envelope"
	"github.com/midwatch/midwatch/collector/kube/bucket"
	"github.com/midwatch/midwatch/collector/kube/object"
	"github.com/midwatch/midwatch/internal/telemetry"
)

const (
	ackTimeout = 5 * time.Second
	gatherFor  = 20 * time.Millisecond // that the first entry of a message waits for others
	maxEntries = 512                   // of one message
	maxWaiting = 1024                  // entries
	fullBytes  = 512 << 10             // OTLP of a message that no more is added to
	maxMessage = 1<<20 - 64<<10        // what JetStream takes, headers apart
	maxTags    = 32 << 10              // bytes of tags in the header of a message; NATS takes 64 KiB of headers

	// headerTags carries what masks hide, as keyed digests: {"<uid>/<resource version>/<action>": {path: tag}}, base64 of JSON. A header because it
	// stays in the cluster; the exporter sends on the records alone.
	headerTags = "Midwatch-Object-Tags"
)

// errTooLarge means that JetStream does not take messages of that size.
var errTooLarge = errors.New("message is larger than JetStream takes")

// entry is what is told together: a version and what changed by it, or an Event.
type entry struct {
	id   string // the same whoever tells it and whenever
	logs plog.Logs
	tags object.Tags
	done func(context.Context) error // called once JetStream has it, in the order of writing
}

// journal is the writing end of the cluster's subject in JetStream. Many entries go into one message, because each message is synced to disk, which takes
// longer than all else. A message says which one it follows, so that of two processes that both believe to lead only one can write.
type journal struct {
	js      jetstream.JetStream
	codec   *envelope.Codec
	subject string // of this cluster: several may share one JetStream
	node    string
	told    map[string]bool // ids of entries that predecessors wrote after what the bucket has; read only
	last    atomic.Uint64   // sequence of the subject's last message
	entries chan pending
	log     *slog.Logger
}

type pending struct {
	entry
	size int
}

func newJournal(js jetstream.JetStream, cluster string, log *slog.Logger) (*journal, error) {
	codec, err := envelope.NewCodec()
	if err != nil {
		return nil, err
	}
	node := "kubernetes-" + cluster
	return &journal{
		js: js, codec: codec, node: node, subject: telemetry.Subject(telemetry.Logs, node), told: map[string]bool{}, entries: make(chan pending, maxWaiting), log: log,
	}, nil
}

// write hands an entry on. Entries are stored in the order in which they were written. What a predecessor stored is not stored again. The error is errTooLarge
// when JetStream does not take the entry.
func (j *journal) write(ctx context.Context, e entry) error {
	if j.told[e.id] {
		return e.done(ctx)
	}
	e.logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().PutStr(telemetry.RecordUID, e.id)
	p := pending{e, new(plog.ProtoMarshaler).LogsSize(e.logs)}
	if p.size > fullBytes {
		if m, err := j.pack(e.logs, e.id); err != nil {
			return err
		} else if len(m.Data) > maxMessage {
			return errTooLarge
		}
	}
	select {
	case j.entries <- p:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run writes messages until ctx ends (nil) or another process writes the cluster's subject.
func (j *journal) run(ctx context.Context) error {
	var held *pending // did not fit into the message before
	for {
		var batch []pending
		batch, held = j.gather(ctx, held)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // a clean stop
		}
		err := j.append(ctx, batch)
		for i := 0; err == nil && i < len(batch); i++ {
			err = batch[i].done(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// gather waits for an entry, and a little for those that come with it.
func (j *journal) gather(ctx context.Context, held *pending) (batch []pending, next *pending) {
	size, tags := 0, 0
	var full <-chan time.Time
	for {
		var p pending
		if held != nil {
			p, held = *held, nil
		} else {
			select {
			case p = <-j.entries:
			case <-full:
				return batch, nil
			case <-ctx.Done():
				return batch, nil
			}
		}
		if len(batch) > 0 && (size+p.size > fullBytes || tags+sizeOf(p.tags) > maxTags) {
			return batch, &p
		}
		batch, size, tags = append(batch, p), size+p.size, tags+sizeOf(p.tags)
		if len(batch) == maxEntries || size >= fullBytes {
			return batch, nil
		}
		if full == nil {
			full = time.After(gatherFor)
		}
	}
}

// sizeOf is at least the bytes of tags in a header.
func sizeOf(tags object.Tags) int {
	if len(tags) == 0 {
		return 0
	}
	h, err := headerOf(map[string]object.Tags{longestID: tags})
	if err != nil {
		return maxTags + 1
	}
	return len(h)
}

// longestID is as long as the id of an entry with tags becomes.
var longestID = strings.Repeat("x", 100)

func headerOf(tags map[string]object.Tags) (string, error) {
	b, err := json.Marshal(tags)
	if err != nil {
		return "", fmt.Errorf("encode tags: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

// append stores the entries as one message.
func (j *journal) append(ctx context.Context, batch []pending) error {
	all, tags, names := plog.NewLogs(), map[string]object.Tags{}, sha256.New()
	for _, p := range batch {
		p.logs.ResourceLogs().MoveAndAppendTo(all.ResourceLogs())
		if n := sizeOf(p.tags); n > 0 && n <= maxTags {
			tags[p.id] = p.tags
		}
		names.Write([]byte(p.id + "\n"))
	}
	id := hex.EncodeToString(names.Sum(nil)[:16])
	m, err := j.pack(all, id)
	if err != nil {
		return err
	}
	if len(tags) > 0 {
		h, err := headerOf(tags)
		if err != nil {
			return err
		}
		m.Header.Set(headerTags, h)
	}
	return insist(ctx, j.log, "publish Kubernetes objects", func(ctx context.Context) error { return j.store(ctx, m, id) })
}

func (j *journal) pack(logs plog.Logs, id string) (*nats.Msg, error) {
	otlp, err := new(plog.ProtoMarshaler).MarshalLogs(logs)
	if err != nil {
		return nil, fmt.Errorf("encode log records: %w", err)
	}
	return j.codec.Pack(envelope.Batch{ID: id, Signal: telemetry.Logs, OTLP: otlp}, j.node), nil
}

// store publishes a message behind the one that this process knows to be the last.
func (j *journal) store(ctx context.Context, m *nats.Msg, id string) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	ack, err := j.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0), jetstream.WithExpectLastSequencePerSubject(j.last.Load()))
	if err == nil {
		j.last.Store(max(j.last.Load(), ack.Sequence)) // of what it had taken before the sequence of then
		return nil
	}
	var api *jetstream.APIError
	if !errors.As(err, &api) || api.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequence {
		return err
	}
	last, lastID, err := lastOf(ctx, j.js, j.subject)
	switch {
	case err != nil:
		return err
	case lastID == id: // ours: only the answer was lost
		j.last.Store(last)
		return nil
	case last == 0: // retention took all there was
		j.last.Store(0)
		return fmt.Errorf("the subject %s was emptied", j.subject)
	}
	return fmt.Errorf("publish Kubernetes objects: %w", bucket.ErrOvertaken)
}

// lastOf finds the last message of a subject: its sequence, 0 if there is none, and its id.
func lastOf(ctx context.Context, js jetstream.JetStream, subject string) (sequence uint64, id string, err error) {
	stream, err := js.Stream(ctx, telemetry.StreamName)
	if err != nil {
		return 0, "", fmt.Errorf("open stream %s: %w", telemetry.StreamName, err)
	}
	m, err := stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("read the last message of %s: %w", subject, err)
	}
	return m.Sequence, m.Header.Get(envelope.HeaderID), nil
}
