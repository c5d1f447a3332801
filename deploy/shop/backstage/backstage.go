// Package backstage opens the shop's stores for those who run it, through Unix sockets only they can reach.
package backstage

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/midwatch/midwatch/deploy/shop/home"
	"github.com/midwatch/midwatch/deploy/shop/plan"
)

// Superuser is PostgreSQL's first user.
const Superuser = "postgres"

// RedisSocket is the name of Redis' Unix socket in its working directory.
const RedisSocket = "redis.sock"

// Postgres connects to a database as the superuser. The caller closes the connection.
func Postgres(ctx context.Context, data string, port int, database string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(fmt.Sprintf("host=127.0.0.1 port=%d user=%s dbname=%s sslmode=disable connect_timeout=5", port, Superuser, database))
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(data, fmt.Sprintf(".s.PGSQL.%d", port))
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return home.DialUnix(ctx, socket) }
	return pgx.ConnectConfig(ctx, cfg)
}

// Shop connects to the database of a running shop as the superuser. The caller closes the connection.
func Shop(ctx context.Context, dir home.Dir, p plan.Plan) (*pgx.Conn, error) {
	return Postgres(ctx, dir.Postgres(), p.Postgres.Port, p.Postgres.Database)
}

// Redis connects to the Redis of a running shop. The caller closes the client.
func Redis(dir home.Dir) *redis.Client {
	return redis.NewClient(&redis.Options{
		Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return home.DialUnix(ctx, filepath.Join(dir.Redis(), RedisSocket))
		},
		PoolSize: 1, MaxRetries: -1, DialTimeout: 5 * time.Second, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}
