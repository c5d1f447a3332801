package action_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/procfs"

	"github.com/midwatch/midwatch/activities/action"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata/metadatatest"
)

func service(allowed ...string) []investigation.Parameter {
	return []investigation.Parameter{{Name: "service", Type: investigation.ServiceParameter, Allowed: allowed}}
}

func TestNew(t *testing.T) {
	identifiers := []investigation.Parameter{{Name: "table", Type: investigation.IdentifierParameter}, {Name: "column", Type: investigation.IdentifierParameter}}
	index := investigation.Action{
		Name: "index", Kind: investigation.CreateIndex, Parameters: identifiers, SQL: "CREATE INDEX IF NOT EXISTS {index} ON {table} ({column})",
	}
	restart := investigation.Action{Name: "restart", Kind: investigation.RestartAction, Parameters: service(), Command: []string{"/bin/ctl", "restart", "{service}", "x{service}"}}
	stop := investigation.Action{
		Name: "stop", Kind: investigation.StopProcess, Parameters: []investigation.Parameter{{Name: "process", Type: investigation.ProcessParameter}},
	}
	config := investigation.Action{
		Name: "config", Parameters: []investigation.Parameter{{Name: "file", Type: investigation.PathParameter, Allowed: []string{"/etc/shop"}}}, Command: []string{"/bin/ctl", "{file}"},
	}
	batch := stop
	batch.Parameters = []investigation.Parameter{{Name: "process", Type: investigation.ProcessParameter, Allowed: []string{"/opt/batch"}}}
	only := restart
	only.Services = []string{"cart"}
	cases := map[string]struct {
		action     investigation.Action
		parameters map[string]string
		want       string // "" means refused
	}{
		"command":              {restart, map[string]string{"service": "payment"}, `/bin/ctl restart payment "x{service}"`},
		"index":                {index, map[string]string{"table": "products", "column": "category"}, `CREATE INDEX IF NOT EXISTS "midwatch_products_category" ON "products" ("category")`},
		"process":              {stop, map[string]string{"process": "12:345:/opt/a b"}, `stop process 12 (start ticks 345): "/opt/a b"`},
		"path":                 {config, map[string]string{"file": "/etc/shop/a.yaml"}, "/bin/ctl /etc/shop/a.yaml"},
		"option":               {restart, map[string]string{"service": "--all"}, ""},
		"shell":                {restart, map[string]string{"service": "a;rm -rf /"}, ""},
		"missing":              {restart, nil, ""},
		"more than asked":      {restart, map[string]string{"service": "a", "force": "1"}, ""},
		"not for this service": {only, map[string]string{"service": "payment"}, ""},
		"injection":            {index, map[string]string{"table": `x"; DROP TABLE y --`, "column": "c"}, ""},
		"upper case":           {index, map[string]string{"table": "X", "column": "c"}, ""},
		"outside":              {config, map[string]string{"file": "/etc/shop/../passwd"}, ""},
		"relative":             {config, map[string]string{"file": "a.yaml"}, ""},
		"no process":           {stop, map[string]string{"process": "1"}, ""},
		"process zero":         {stop, map[string]string{"process": "0:1:/x"}, ""},
		"allowed process":      {batch, map[string]string{"process": "12:345:/opt/batch"}, "stop process 12 (start ticks 345): /opt/batch"},
		"another process":      {batch, map[string]string{"process": "12:345:/usr/bin/postgres"}, ""},
		"nothing to do":        {investigation.Action{Name: "x"}, nil, ""},
		"two things":           {investigation.Action{Name: "x", Command: []string{"a"}, SQL: "b"}, nil, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			plan, err := action.New(c.action, c.parameters)
			if c.want == "" {
				if !errors.Is(err, action.ErrDraft) {
					t.Errorf("%v, want ErrDraft", err)
				}
				return
			}
			if err != nil || plan.String() != c.want {
				t.Errorf("%q, %v; want %q", plan, err, c.want)
			}
		})
	}
}

func TestCommandHasNoShellAndNoSecrets(t *testing.T) {
	t.Setenv("DATABASE_PASSWORD", "hunter2")
	out, err := action.Plan{Argv: []string{"/usr/bin/env"}}.Run(t.Context())
	if err != nil || strings.Contains(out, "hunter2") || !strings.Contains(out, "PATH=") {
		t.Errorf("%q, %v", out, err)
	}
	out, err = action.Plan{Argv: []string{"/bin/echo", "$HOME;", "*"}}.Run(t.Context())
	if err != nil || out != "$HOME; *" {
		t.Errorf("%q, %v", out, err)
	}
	if out, err := (action.Plan{Argv: []string{"/bin/sh", "-c", "echo why; exit 3"}}).Run(t.Context()); err == nil || out != "why" {
		t.Errorf("%q, %v; want its output and an error", out, err)
	}
	if out, err := (action.Plan{Argv: []string{"/usr/bin/head", "-c", "100000", "/dev/zero"}}).Run(t.Context()); err != nil || len(out) > 16<<10 {
		t.Errorf("%d bytes of output, %v", len(out), err)
	}
}

func TestStopsExactlyOneProcess(t *testing.T) {
	for name, script := range map[string]string{"obeys": "sleep 100", "ignores SIGTERM": "trap '' TERM; echo ready; while :; do sleep 0.1; done"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "/bin/sh", "-c", script)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(script, "ready") {
				_, _ = out.Read(make([]byte, 1))
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			p := processOf(t, cmd.Process.Pid)
			other := p
			other.StartTicks++
			if _, err := (action.Plan{Process: &other}).Run(t.Context()); !errors.Is(err, action.ErrGone) {
				t.Errorf("another start time: %v, want ErrGone", err)
			}
			other = p
			other.Executable = "/bin/other"
			if err := (action.Plan{Process: &other}).Ready(); !errors.Is(err, action.ErrGone) {
				t.Errorf("another executable: %v, want ErrGone", err)
			}
			if err := syscall.Kill(p.PID, 0); err != nil {
				t.Fatalf("it did not survive the wrong ones: %v", err)
			}
			if _, err := (action.Plan{Process: &p}).Run(t.Context()); err != nil {
				t.Error(err)
			}
			if err := <-ended; err == nil {
				t.Error("it ended by itself")
			}
			if _, err := (action.Plan{Process: &p}).Run(t.Context()); !errors.Is(err, action.ErrGone) {
				t.Errorf("when it is gone: %v, want ErrGone", err)
			}
		})
	}
}

func processOf(t *testing.T, pid int) action.Process {
	t.Helper()
	proc, err := procfs.NewProc(pid)
	if err != nil {
		t.Fatal(err)
	}
	stat, err := proc.Stat()
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		t.Fatal(err)
	}
	return action.Process{PID: pid, StartTicks: stat.Starttime, Executable: filepath.Clean(exe)}
}

func TestStatement(t *testing.T) {
	dsn := metadatatest.Postgres(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), `CREATE TABLE products (id int, category text)`); err != nil {
		t.Fatal(err)
	}
	plan := action.Plan{DSN: dsn, SQL: `CREATE INDEX IF NOT EXISTS "i" ON "products" ("category")`}
	for range 2 {
		if out, err := plan.Run(t.Context()); err != nil || out != "CREATE INDEX" {
			t.Fatalf("%q, %v", out, err)
		}
	}
	var n int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_indexes WHERE indexname = 'i'`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d indexes, %v", n, err)
	}
	plan.SQL += "; DROP TABLE products"
	if _, err := plan.Run(t.Context()); err == nil {
		t.Error("two statements were run")
	}
	plan.DSN = "postgres://someone:hunter2@127.0.0.1:1/none"
	if _, err := plan.Run(t.Context()); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v: want one without the password", err)
	}
}
