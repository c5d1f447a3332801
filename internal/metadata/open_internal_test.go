package metadata

import "testing"

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
		if err := verified(dsn); (err == nil) != ok {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}
