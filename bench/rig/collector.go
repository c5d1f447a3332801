package rig

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/midwatch/midwatch/bench/load"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

// Collector starts the other side on a directory: the same store, and before it the collector.
func Collector(ctx context.Context, p Programs, dir string) (*Side, error) {
	s, err := CollectorStore(ctx, p, dir)
	if err != nil {
		return s, err
	}
	s.Receiver = &Process{
		name: "collector", program: p.Collector, args: []string{"--config", filepath.Join(dir, "collector.yaml")},
		listens: s.Address, log: filepath.Join(dir, "collector.log"),
	}
	if err := s.write("collector.yaml", s.configuration()); err != nil {
		return s, errors.Join(err, s.Close())
	}
	if err := s.Receiver.Start(ctx); err != nil {
		return s, errors.Join(err, s.Close())
	}
	return s, nil
}

// CollectorStore starts that side's store alone.
func CollectorStore(ctx context.Context, p Programs, dir string) (*Side, error) {
	s, err := open(ctx, p, "collector", dir, "otel")
	if err != nil {
		return s, err
	}
	s.Tables = map[load.Signal][]string{load.Logs: {"otel_logs"}, load.Spans: {"otel_traces", "otel_traces_trace_id_ts"}}
	return s, nil
}

type section = map[string]any

// configuration is the collector's: batches as the exporter's documentation advises, waiting instead of dropping when the store is slow,
// LZ4 and TLS to the store, which are ours, too.
func (s *Side) configuration() section {
	file := func(name string) string { return filepath.Join(s.dir, "data", "pki", name) }
	pipeline := section{"receivers": []string{"otlp"}, "processors": []string{"batch"}, "exporters": []string{"clickhouse"}}
	return section{
		"receivers": section{"otlp": section{"protocols": section{"grpc": section{
			"endpoint": s.Address, "max_recv_msg_size_mib": 16,
			"tls": section{"cert_file": file("ingester.pem"), "key_file": file("ingester-key.pem"), "client_ca_file": file("ca.pem"), "min_version": "1.3"},
		}}}},
		"processors": section{"batch": section{"timeout": "5s", "send_batch_size": 100_000}},
		"exporters": section{"clickhouse": section{
			"endpoint": "tcp://" + s.store + "?dial_timeout=10s", "database": "otel", "create_schema": true, "compress": "lz4", "timeout": "60s",
			"tls":              section{"cert_file": file(pki.CLI + ".pem"), "key_file": file(pki.CLI + "-key.pem"), "ca_file": file("ca.pem"), "server_name_override": pki.ClickHouse, "min_version": "1.3"},
			"sending_queue":    section{"queue_size": 10, "num_consumers": 2, "block_on_overflow": true},
			"retry_on_failure": section{"enabled": true},
		}},
		"service": section{
			"telemetry": section{"metrics": section{"level": "none"}, "logs": section{"level": "warn"}},
			"pipelines": section{"logs": pipeline, "traces": pipeline},
		},
	}
}
