package logs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/secret"
)

// entry is one message of the journal.
type entry struct {
	record
	level  string
	pid    int
	name   string // the unit, else what the sender calls itself
	cursor string
}

const (
	// journalSocket exists where journald runs.
	journalSocket = "/run/systemd/journal/socket"
	journalRetry  = 10 * time.Second
	maxEntry      = 1 << 20 // bytes of one message's JSON
)

// followJournal reads the journal through journalctl, which knows every version of its format, until ctx ends. Where there is no
// journal it returns at once.
func followJournal(ctx context.Context, cursor string, out chan<- entry, log *slog.Logger) {
	program, err := exec.LookPath("journalctl")
	if err != nil {
		return
	}
	if _, err := os.Stat(journalSocket); err != nil {
		return
	}
	for ctx.Err() == nil {
		last, err := readJournal(ctx, program, cursor, out)
		if last != "" {
			cursor = last
		} else {
			cursor = "" // the cursor may be of a journal that is gone
		}
		if ctx.Err() != nil {
			return
		}
		log.Warn("journalctl ended and is started again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(journalRetry):
		}
	}
}

// readJournal runs journalctl once and returns the cursor of the last entry.
func readJournal(ctx context.Context, program, cursor string, out chan<- entry) (last string, err error) {
	args := []string{"--follow", "--output=json", "--lines=0"}
	if cursor != "" {
		args = []string{"--follow", "--output=json", "--after-cursor=" + cursor}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // journalctl, found in PATH
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, maxEntry)
	for lines.Scan() {
		e, ok := decode(lines.Bytes(), time.Now())
		if !ok {
			continue
		}
		last = e.cursor
		select {
		case out <- e:
		case <-ctx.Done():
		}
	}
	stop() // when the scanner gave up, journalctl still waits for somebody to read
	return last, errors.Join(lines.Err(), cmd.Wait())
}

// decode reads one entry of journalctl's JSON. A message that is no text is an array of bytes there.
func decode(b []byte, now time.Time) (entry, bool) {
	var raw struct {
		Message    json.RawMessage `json:"MESSAGE"`
		Priority   string          `json:"PRIORITY"`
		PID        string          `json:"_PID"`
		Unit       string          `json:"_SYSTEMD_UNIT"`
		Identifier string          `json:"SYSLOG_IDENTIFIER"`
		Realtime   string          `json:"__REALTIME_TIMESTAMP"` // microseconds
		Cursor     string          `json:"__CURSOR"`
	}
	if json.Unmarshal(b, &raw) != nil || len(raw.Message) == 0 {
		return entry{}, false
	}
	e := entry{record: record{text: message(raw.Message), at: now}, cursor: raw.Cursor, name: raw.Identifier}
	if e.text == "" {
		return entry{}, false
	}
	if us, err := strconv.ParseInt(raw.Realtime, 10, 64); err == nil {
		e.at = time.UnixMicro(us)
	}
	e.pid, _ = strconv.Atoi(raw.PID)
	if unit, ok := strings.CutSuffix(raw.Unit, ".service"); ok && !strings.HasPrefix(unit, "user@") {
		e.name = unit
	}
	if n, err := strconv.Atoi(raw.Priority); err == nil {
		e.level = priority(n)
	}
	return e, true
}

func message(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return clipTo(text, maxLine)
	}
	var ints []int // not []byte, which JSON takes for base64
	if json.Unmarshal(raw, &ints) != nil {
		return ""
	}
	b := make([]byte, 0, len(ints))
	for _, n := range ints {
		b = append(b, byte(n)) //nolint:gosec // journald writes bytes
	}
	return clipTo(strings.ToValidUTF8(string(b), "\uFFFD"), maxLine)
}

// journal adds an entry to the batch, under its process when that is known and of that service.
func (t *Tailer) journal(e entry) {
	t.saved.Cursor = e.cursor
	p := t.cfg.Table.Get(e.pid)
	if e.pid == 0 {
		p = nil
	}
	key := any(e.name)
	if p != nil {
		key = p.ID()
	}
	into := t.batch.under(key, func(rl plog.ResourceLogs) {
		if p != nil {
			t.cfg.Identity.Fill(rl.Resource(), p)
		} else {
			t.cfg.Identity.FillService(rl.Resource(), e.name, "")
		}
	})
	e.text = secret.Line(e.text)
	e.fill(into)
	if e.level != "" && into.SeverityNumber() == plog.SeverityNumberUnspecified {
		into.SetSeverityText(e.level)
		into.SetSeverityNumber(severityOf(e.level))
	}
	t.batch.count++
}
