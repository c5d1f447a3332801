package node

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

// TestWhatLibrariesEncryptIsSeen: a program that starts after the node agent is found to use OpenSSL, and what it serves and asks from then on are spans.
func TestWhatLibrariesEncryptIsSeen(t *testing.T) {
	if out, err := exec.Command("python3", "-c", "import ssl").CombinedOutput(); err != nil {
		t.Skipf("needs python3 with OpenSSL: %s", out)
	}
	a, got := start(t, Config{})
	needKernel(t, a)
	const scripts = "../protocol/conversation/testdata/"
	cert, key := protocoltest.Certificate(t)
	server := exec.Command("python3", scripts+"https_server.py", cert, key)
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := strings.Cut(strings.TrimSpace(line), ":")
	ask := func(n string) {
		client := exec.Command("python3", scripts+"https_client.py", host, port, n)
		client.Stderr = os.Stderr
		if err := client.Run(); err != nil {
			t.Fatal(err)
		}
	}
	count := func(kind ptrace.SpanKind) func() int {
		return func() int {
			return got.count(func(s seenSpan) bool { return s.name == "GET /items/{id}" && s.kind == kind && s.secure })
		}
	}
	until(t, "the library", func() bool {
		ask("1")
		time.Sleep(100 * time.Millisecond)
		return count(ptrace.SpanKindServer)() > 0
	})
	// Spans wait for company in a batch: of what was asked so far, more may come.
	servedBefore, askedBefore := settled(count(ptrace.SpanKindServer)), settled(count(ptrace.SpanKindClient))
	ask("300")
	until(t, "servers", func() bool { return count(ptrace.SpanKindServer)() >= servedBefore+100 })
	until(t, "clients", func() bool { return count(ptrace.SpanKindClient)() >= askedBefore+100 })
	if n := count(ptrace.SpanKindServer)() - servedBefore; n > 101 {
		t.Errorf("%d spans of 100 requests", n)
	}
}

// settled is a count that has not changed for longer than spans wait in a batch.
func settled(count func() int) int {
	const longest = 4 * time.Second
	for last, since := count(), time.Now(); ; <-time.After(100 * time.Millisecond) {
		if n := count(); n != last {
			last, since = n, time.Now()
		} else if time.Since(since) > longest {
			return n
		}
	}
}
