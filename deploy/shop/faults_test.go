package shop_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/midwatch/midwatch/deploy/shop/control"
	"github.com/midwatch/midwatch/deploy/shop/fault"
	"github.com/midwatch/midwatch/deploy/shop/judge"
	"github.com/midwatch/midwatch/deploy/shop/plan"
)

// episode is one fault: how it shows, and how an operator mends it. Without mend the shop is only cleared.
type episode struct {
	fault string
	shows func(r *running) bool
	mend  func(r *running, ctx context.Context) error
}

func episodes(before map[string]string) []episode {
	name := func(r *running, role plan.Role) string { return r.Plan.Programs[role].Name }
	restart := func(role plan.Role) func(*running, context.Context) error {
		return func(r *running, ctx context.Context) error { return r.Restart(ctx, name(r, role)) }
	}
	return []episode{
		{"index-dropped", func(r *running) bool {
			slow := []time.Duration{r.listing().took, r.listing().took, r.listing().took}
			return slices.Min(slow) > 20*time.Millisecond && slices.Min(slow) > 3*r.product().took
		}, (*running).createIndex},
		{
			"redis-refuses-writes", func(r *running) bool {
				return r.add().status == http.StatusBadGateway && r.cart().status == http.StatusOK
			},
			func(r *running, ctx context.Context) error { return r.RaiseLimit(ctx, r.Plan.Redis.Name) },
		},
		{"bad-release", func(r *running) bool {
			failed := 0
			for range 40 {
				if r.order().status == http.StatusBadGateway {
					failed++
				}
			}
			return failed >= 4 && failed <= 16 && r.digest(plan.Payment) != before[name(r, plan.Payment)]
		}, func(r *running, ctx context.Context) error { return r.RollbackVersion(ctx, name(r, plan.Payment)) }},
		{"noisy-neighbour", func(r *running) bool {
			p := r.process(name(r, plan.Batch))
			return p.PID != 0 && ticks(p.PID) > 100
		}, func(r *running, _ context.Context) error {
			job, err := os.FindProcess(r.process(name(r, plan.Batch)).PID)
			if err != nil {
				return err
			}
			return job.Kill()
		}},
		{"memory-leak", func(r *running) bool { return r.process(name(r, plan.Checkout)).Starts > 1 }, restart(plan.Checkout)},
		{"pool-exhausted", func(r *running) bool {
			return r.cart().status == http.StatusBadGateway && strings.Contains(r.log(plan.Cart), "connection pool timeout")
		}, restart(plan.Cart)},
		{
			"wrong-port", func(r *running) bool {
				return r.order().status == http.StatusBadGateway && strings.Contains(r.log(plan.Checkout), "connection refused")
			},
			func(r *running, ctx context.Context) error { return r.RollbackConfig(ctx, name(r, plan.Checkout)) },
		},
		{"slow-charge", func(r *running) bool { return r.order().took >= 400*time.Millisecond }, restart(plan.Payment)},
		{"locked-stock", func(r *running) bool {
			return r.stock().status == http.StatusBadGateway && r.product().status == http.StatusOK
		}, nil},
		{"quiet-release", func(r *running) bool {
			return r.digest(plan.Gateway) != before[name(r, plan.Gateway)] && r.order().status == http.StatusOK
		}, nil},
		{"chatty-log", func(r *running) bool {
			return r.product().status == http.StatusOK && strings.Contains(r.log(plan.Catalog), "level=WARN")
		}, nil},
	}
}

// TestFaults breaks one running shop in every way, mends it as Midwatch would, and clears it.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute or two")
	}
	ctx := t.Context()
	r := start(t, 7, nil)
	r.healthy()
	before := map[string]string{}
	for _, role := range plan.Services() {
		before[r.Plan.Programs[role].Name] = r.digest(role)
	}
	all := episodes(before)
	for _, e := range all {
		t.Run(e.fault, func(t *testing.T) {
			if e.shows(r) {
				t.Fatal("it shows before it was injected")
			}
			if err := fault.Inject(ctx, r.Shop, program, e.fault); err != nil {
				t.Fatal(err)
			}
			eventually(t, e.fault+" shows", func() bool { return e.shows(r) })
			if e.mend != nil {
				if err := e.mend(r, ctx); err != nil {
					t.Fatal(err)
				}
				eventually(t, "the shop recovers", func() bool { r.healthy(); return e.fault == "memory-leak" || logged(e.fault) || !e.shows(r) })
			}
			if err := fault.Clear(ctx, r.Shop); err != nil {
				t.Fatal(err)
			}
			r.healthy()
			for _, role := range plan.Services() {
				if got := r.digest(role); got != before[r.Plan.Programs[role].Name] {
					t.Errorf("%s runs another executable after clearing", role)
				}
			}
		})
	}
	covered := make([]string, 0, len(all))
	for _, e := range all {
		covered = append(covered, e.fault)
	}
	if !slices.Equal(covered, fault.Names()) {
		t.Errorf("tested faults %v, there are %v", covered, fault.Names())
	}
	pids := r.pids()
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("shop up: %v\n%s", err, r.out)
	}
	gone(t, pids)
	if _, err := control.Open(r.Dir); !errors.Is(err, control.ErrDown) {
		t.Errorf("open a shop that was stopped: %v", err)
	}
	if group := r.group(); group != "" {
		if _, err := os.Stat(group); !os.IsNotExist(err) {
			t.Errorf("control group %s is left: %v", group, err)
		}
	}
}

// logged says whether a fault shows in what stays in a log.
func logged(name string) bool { return name == "chatty-log" }

// digest is the SHA-256 of the executable that a service runs.
func (r *running) digest(role plan.Role) string {
	r.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/exe", r.process(r.Plan.Programs[role].Name).PID))
	if err != nil {
		return "" // between two processes
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))
}

// ticks is the CPU time a process has used, in hundredths of a second.
func ticks(pid int) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[strings.LastIndex(string(b), ")")+1:]))
	var user, system int
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return 0
	}
	return user + system
}

// createIndex does as the configured action does, and tries what its user must not do.
func (r *running) createIndex(ctx context.Context) error {
	secret, err := r.Dir.Secret("index-builder")
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, r.Plan.Postgres.DSN("index_builder", secret))
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // the test is over
	table, column := r.Plan.Postgres.Products, r.Plan.Postgres.Category
	for _, refused := range []string{
		"SELECT * FROM " + table + " LIMIT 1", "DELETE FROM " + table, "DROP TABLE " + table, "TRUNCATE " + table,
		"GRANT ALL ON " + table + " TO index_builder", "ALTER TABLE " + table + " ADD COLUMN x int", "CREATE TABLE x (y int)",
		"CREATE INDEX ON " + r.Plan.Postgres.Orders + " (id)",
	} {
		if _, err := conn.Exec(ctx, refused); err == nil {
			return fmt.Errorf("the index builder could %s", refused)
		}
	}
	_, err = conn.Exec(ctx, fmt.Sprintf(`CREATE INDEX ON "%s" ("%s")`, table, column))
	return err
}

func TestEveryFaultIsJudged(t *testing.T) {
	known, err := judge.Faults(plan.Default())
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(known))
	for _, f := range known {
		names = append(names, f.Name)
	}
	if !slices.Equal(names, fault.Names()) {
		t.Errorf("faults.yaml has %v, the injector %v", names, fault.Names())
	}
}
