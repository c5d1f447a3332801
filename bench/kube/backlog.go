package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// backlog says how much was published and how much of it waits for the store: which side of JetStream is behind.
func (in *installation) backlog(ctx context.Context) (string, error) {
	id, err := pki.Load(filepath.Join(in.dir, "data", "pki"), pki.CLI)
	if err != nil {
		return "", err
	}
	nc, err := nats.Connect("tls://"+in.jetStream, nats.Secure(id.Client(pki.JetStream)))
	if err != nil {
		return "", err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return "", err
	}
	c, err := js.Consumer(ctx, telemetry.StreamName, "exporter")
	if err != nil {
		return "", err
	}
	i := c.CachedInfo()
	return fmt.Sprintf("%d messages published, %d of them not yet read, %d under way to the store", i.NumPending+i.Delivered.Stream, i.NumPending, i.NumAckPending), nil
}
