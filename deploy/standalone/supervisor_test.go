package standalone_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/midwatch/midwatch/deploy/standalone"
)

// roleEnv makes the test binary play a part.
const roleEnv = "STANDALONE_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		play(role)
		return
	}
	os.Exit(m.Run())
}

func play(role string) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	switch role {
	case "broken":
		fmt.Fprintln(os.Stderr, "first line")
		fmt.Fprintln(os.Stderr, "error: port 1 is taken; choose another")
		os.Exit(1)
	case "mute":
	default:
		fmt.Fprintln(os.NewFile(3, "ready"), "ready "+role)
	}
	<-stop
}

func part(name, role string, after ...string) standalone.Part {
	return standalone.Part{Name: name, Argv: []string{os.Args[0]}, Env: []string{roleEnv + "=" + role}, After: after, Ready: 5 * time.Second}
}

// watch runs a supervisor and records its events in order.
type watch struct {
	*standalone.Supervisor
	mu     sync.Mutex
	events []string
	seen   chan standalone.Event
	cancel context.CancelFunc
	done   chan error
}

func start(t *testing.T, parts ...standalone.Part) *watch {
	t.Helper()
	w := &watch{seen: make(chan standalone.Event, 1000), done: make(chan error, 1)}
	s, err := standalone.New(standalone.Config{
		Parts: parts, LogDir: t.TempDir(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		OnEvent: func(e standalone.Event) {
			w.mu.Lock()
			w.events = append(w.events, string(e.Kind)+" "+e.Part)
			w.mu.Unlock()
			w.seen <- e
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Supervisor = s
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	go func() { w.done <- s.Run(ctx) }()
	t.Cleanup(cancel)
	return w
}

func (w *watch) ready(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if !w.WaitReady(ctx) {
		t.Fatalf("not ready; events %v", w.events)
	}
}

func (w *watch) index(event string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Index(w.events, event)
}

func TestPartsStartInOrderAndStopInReverse(t *testing.T) {
	w := start(t, part("store", "a"), part("ingester", "b", "store"), part("exporter", "c", "ingester"))
	w.ready(t)
	w.cancel()
	if err := <-w.done; err != nil {
		t.Fatal(err)
	}
	for _, order := range [][2]string{
		{"ready store", "started ingester"},
		{"ready ingester", "started exporter"},
		{"stopped exporter", "stopped ingester"},
		{"stopped ingester", "stopped store"},
	} {
		if a, b := w.index(order[0]), w.index(order[1]); a < 0 || b < 0 || a > b {
			t.Errorf("%q is not before %q in %v", order[0], order[1], w.events)
		}
	}
}

func TestKilledPartComesBack(t *testing.T) {
	w := start(t, part("store", "a"))
	w.ready(t)
	first := w.PIDs()["store"]
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	readies := 0
	for e := range w.seen {
		if e.Kind == standalone.Ready {
			if readies++; readies == 2 {
				break
			}
		}
	}
	if second := w.PIDs()["store"]; second == first || second == 0 {
		t.Errorf("pid %d after %d", second, first)
	}
}

func TestPartThatCannotStartSaysWhy(t *testing.T) {
	w := start(t, part("store", "a"), part("api", "broken", "store"))
	err := <-w.done
	if !errors.Is(err, standalone.ErrPart) || !strings.Contains(err.Error(), "port 1 is taken; choose another") {
		t.Errorf("got %v", err)
	}
	if w.index("stopped store") < 0 {
		t.Errorf("the other part was left running: %v", w.events)
	}
}

func TestPartThatIsNeverReady(t *testing.T) {
	mute := part("api", "mute")
	mute.Ready = 300 * time.Millisecond
	if err := <-start(t, mute).done; !errors.Is(err, standalone.ErrPart) || !strings.Contains(err.Error(), "not ready after") {
		t.Errorf("got %v", err)
	}
}

func TestNewRefusesUnknownDependency(t *testing.T) {
	if _, err := standalone.New(standalone.Config{Parts: []standalone.Part{part("a", "a", "b")}}); err == nil {
		t.Error("want an error")
	}
}
