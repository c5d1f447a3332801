package main

import (
	"context"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/publish"
	"github.com/midwatch/midwatch/deploy/jetstream/jetstreamtest"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

// TestPlayIsToldOnlyOfWhatArrived: a JetStream that went away while a recording was played is no success.
func TestPlayIsToldOnlyOfWhatArrived(t *testing.T) {
	for name, away := range map[string]bool{"there": false, "away": true} {
		t.Run(name, func(t *testing.T) {
			s := jetstreamtest.Start(t)
			p, err := publish.New(publish.Config{URL: s.URL, TLS: s.Identity(pki.CLI).Client(pki.JetStream), Node: "n"})
			if err != nil {
				t.Fatal(err)
			}
			err = play(t.Context(), p, func(ctx context.Context) error {
				if away {
					s.Down()
				}
				ld := plog.NewLogs()
				ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("line")
				return p.Logs(ctx, ld)
			})
			if away && (err == nil || !strings.Contains(err.Error(), "1 of 1 messages")) || !away && err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
}
