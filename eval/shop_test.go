package eval_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/recording"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// shop plays a recording as if its shop had other names, another past, or less telemetry.
type shop struct {
	scene   scene
	plan    plan.Plan
	start   time.Time
	without telemetry.Signal // is not played; events of logs stay, for they are no log lines of a service
	names   map[string]string
	done    map[string]string // texts that were renamed before: most come again and again
}

// play hands every batch of the recording, changed, to a store.
func (p shop) play(to func(recording.Batch) error) error {
	f, err := os.Open(filepath.Join("../deploy/demo/recordings", p.scene.recording()+".otlp.zst"))
	if err != nil {
		return err
	}
	defer f.Close()
	end := p.start.Add(p.scene.until())
	err = recording.Each(f, p.start, func(b recording.Batch) error {
		if b.At.After(end) || b.Signal == p.without && b.Signal != telemetry.Logs {
			return nil
		}
		if b.Signal == telemetry.Logs && p.without == telemetry.Logs {
			onlyEvents(b.Logs)
		}
		b.Texts(p.renamed)
		p.released(b)
		return to(b)
	})
	if err != nil {
		return err
	}
	for _, more := range []struct {
		logs plog.Logs
		wish time.Duration
	}{{p.releaseEvents(), p.scene.release}, {p.warnings(end), p.scene.chatter}} {
		if more.wish != 0 && (p.without != telemetry.Logs || more.wish == p.scene.release) {
			if err := to(recording.Batch{At: end, Signal: telemetry.Logs, Logs: more.logs}); err != nil {
				return err
			}
		}
	}
	return nil
}

func onlyEvents(ld plog.Logs) {
	for _, r := range ld.ResourceLogs().All() {
		for _, s := range r.ScopeLogs().All() {
			s.LogRecords().RemoveIf(func(l plog.LogRecord) bool { return l.EventName() == "" })
		}
	}
}

// words of names that are replaced, wherever they stand.
var words = regexp.MustCompile(`[A-Za-z0-9]+`)

// renamed replaces every plain name in a text.
func (p shop) renamed(text string) string {
	if done, ok := p.done[text]; ok {
		return done
	}
	done := p.replaced(text)
	p.done[text] = done
	return done
}

func (p shop) replaced(text string) string {
	text = strings.NewReplacer("redis-server", p.plan.Redis.Name, "nightly-report", p.plan.Programs[plan.Batch].Name).Replace(text)
	return words.ReplaceAllStringFunc(text, func(w string) string {
		if name, ok := p.dictionary()[w]; ok {
			return name
		}
		return w
	})
}

func (p *shop) dictionary() map[string]string {
	if p.names == nil {
		db := p.plan.Postgres
		p.names = map[string]string{
			"shop": db.Database, "products": db.Products, "sku": db.SKU, "category": db.Category, "stock": db.Stock,
			"orders": db.Orders, "charges": db.Charges, "node1": fmt.Sprintf("node%d", p.scene.seed),
		}
		for role, program := range plan.Default().Programs {
			p.names[program.Name] = p.plan.Programs[role].Name
		}
	}
	return p.names
}
