package action

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// runTimeout bounds a command or a statement; the activity's own timeout is a little longer.
	runTimeout = 60 * time.Second
	// maxOutput is how much of an action's output is kept, in bytes.
	maxOutput = 16 << 10
)

// Run does it, once, and returns what it printed. An error means it failed, was refused, or ran out of time.
func (p Plan) Run(ctx context.Context) (output string, err error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	switch {
	case p.Process != nil:
		return p.Process.stop(ctx)
	case p.SQL != "":
		return execute(ctx, p.DSN, p.SQL)
	}
	return command(ctx, p.Argv)
}

// Ready tells whether it could still be done: for a process, that the same one is alive.
func (p Plan) Ready() error {
	if p.Process == nil {
		return nil
	}
	return p.Process.alive()
}

// command runs an argument list without a shell, with an environment of its own, and ends its whole process group when
// the time is over.
func command(ctx context.Context, argv []string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out := &head{}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // it ended well and left a child holding its output
		err = nil
	}
	if err != nil {
		return out.String(), fmt.Errorf("run %s: %w", argv[0], err)
	}
	return out.String(), nil
}

// execute runs one statement: the extended protocol, which ExecParams always speaks, refuses more than one.
func execute(ctx context.Context, dsn, sql string) (string, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "", fmt.Errorf("connect to run the statement: %w", errors.Unwrap(err)) // without the DSN
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	result := conn.PgConn().ExecParams(ctx, sql, nil, nil, nil, nil).Read()
	if result.Err != nil {
		return "", fmt.Errorf("run the statement: %w", result.Err)
	}
	return result.CommandTag.String(), nil
}

// head keeps the first maxOutput bytes and counts the rest as written.
type head struct{ buf bytes.Buffer }

func (h *head) Write(p []byte) (int, error) {
	h.buf.Write(p[:min(len(p), maxOutput-h.buf.Len())])
	return len(p), nil
}

func (h *head) String() string {
	return strings.TrimSpace(strings.ToValidUTF8(h.buf.String(), "\uFFFD"))
}
