package metadata

import (
	"crypto/tls"
	"testing"
)

func TestVerified(t *testing.T) {
	for dsn, ok := range map[string]bool{
		"postgres://m@127.0.0.1/m?sslmode=disable":            true,
		"postgres://m@/m?host=/run/postgresql":                true,
		"postgres://m@db.example/m?sslmode=verify-full":       true,
		"postgres://m@db.example/m":                           false, // "prefer": plain text if the server has no TLS
		"postgres://m@db.example/m?sslmode=disable":           false,
		"postgres://m@db.example/m?sslmode=require":           false,
		"postgres://m@127.0.0.1,db.example/m?sslmode=disable": false,
	} {
		if _, err := postgres(Config{DSN: dsn}); (err == nil) != ok {
			t.Errorf("%s: %v", dsn, err)
		}
		if c, err := postgres(Config{DSN: dsn, TLS: &tls.Config{MinVersion: tls.VersionTLS13}}); err != nil || c.TLSConfig == nil {
			t.Errorf("%s with the installation's own certificates: %v", dsn, err)
		}
	}
}
