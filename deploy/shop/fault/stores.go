package fault

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/midwatch/midwatch/deploy/shop/backstage"
	"github.com/midwatch/midwatch/deploy/shop/plan"
)

// indexes gives the names of every index whose first column is the category.
const indexes = `
SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
WHERE t.relname = $1 AND a.attname = $2 AND x.indisvalid`

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

// database runs fn on the shop's database as its superuser.
func (in injector) database(ctx context.Context, fn func(conn *pgx.Conn) error) error {
	conn, err := backstage.Shop(ctx, in.Dir, in.Plan)
	if err != nil {
		return err
	}
	return errors.Join(fn(conn), conn.Close(ctx))
}

func (in injector) found(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	rows, err := conn.Query(ctx, indexes, in.Plan.Postgres.Products, in.Plan.Postgres.Category)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (in injector) dropIndex(ctx context.Context) error {
	return in.database(ctx, func(conn *pgx.Conn) error {
		names, err := in.found(ctx, conn)
		if err != nil {
			return err
		}
		for _, name := range names {
			if _, err := conn.Exec(ctx, "DROP INDEX "+quoted(name)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (in injector) mendIndex(ctx context.Context) error {
	return in.database(ctx, func(conn *pgx.Conn) error {
		names, err := in.found(ctx, conn)
		if err != nil || len(names) > 0 {
			return err
		}
		_, err = conn.Exec(ctx, fmt.Sprintf("CREATE INDEX ON %s (%s)", quoted(in.Plan.Postgres.Products), quoted(in.Plan.Postgres.Category)))
		return err
	})
}

func (in injector) revokeStock(ctx context.Context) error {
	return in.stockRight(ctx, "REVOKE SELECT ON %s FROM %s")
}

func (in injector) grantStock(ctx context.Context) error {
	return in.stockRight(ctx, "GRANT SELECT ON %s TO %s")
}

func (in injector) stockRight(ctx context.Context, format string) error {
	return in.database(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, fmt.Sprintf(format, quoted(in.Plan.Postgres.Stock), quoted(in.Plan.Programs[plan.Catalog].Name)))
		return err
	})
}

// fillRedis leaves Redis less memory than it uses: it goes on reading and refuses to write.
func (in injector) fillRedis(ctx context.Context) error {
	rdb := backstage.Redis(in.Dir)
	return errors.Join(rdb.ConfigSet(ctx, "maxmemory", "512kb").Err(), rdb.Close())
}
