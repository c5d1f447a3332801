package jetstream

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// maxPayload is the largest message the server takes, NATS's own default. Publishers stay below it.
const maxPayload = 1 << 20

// Stream is the stream that telemetry travels through, bounded by maxBytes and a day. The oldest batches go first; the
// exporter counts those it had not read. A message id seen again within ten minutes is stored once.
func Stream(maxBytes int64) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: telemetry.StreamName, Subjects: []string{telemetry.SubjectPrefix + ".>"},
		Description: "Telemetry on its way from node agents to the exporter",
		Storage:     jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
		MaxBytes: maxBytes, MaxAge: 24 * time.Hour, MaxMsgSize: maxPayload, Duplicates: 10 * time.Minute,
	}
}
