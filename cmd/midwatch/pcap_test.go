package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

// runPcap runs the command as it is run, and returns what it prints.
func runPcap(t *testing.T, stdin []byte, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, progress bytes.Buffer
	cmd := pcapCommand()
	cmd.SetArgs(args)
	cmd.SetIn(bytes.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&progress)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err = cmd.Execute()
	return out.String(), progress.String(), err
}

func TestPcap(t *testing.T) {
	file := protocoltest.Archive(t, "redis")["redis-error.pcap"]
	table, summary, err := runPcap(t, file, "-")
	if err != nil || !strings.Contains(table, "redis       NOAUTH") || !strings.HasPrefix(summary, "-: ") || !strings.Contains(summary, " spans in ") {
		t.Errorf("%v\n%s%s", err, table, summary)
	}
	name := filepath.Join(t.TempDir(), "shop.pcap")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	lines, summary, err := runPcap(t, nil, "--json", name, name)
	if err != nil || strings.Count(summary, "shop.pcap: ") != 2 || strings.Count(lines, "\n") != 2*strings.Count(table, "\n") {
		t.Errorf("%v: %s", err, summary)
	}
	for line := range strings.Lines(lines) {
		var c struct {
			Time, Protocol, Name, Client, Server string
			Attributes                           map[string]any
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		if c.Protocol != "redis" || c.Name == "" || c.Attributes["db.system.name"] != "redis" || !strings.HasSuffix(c.Server, ":6379") || c.Client == c.Server || c.Time == "" {
			t.Errorf("%s", line)
		}
	}
}

// TestPcapOfDatagrams: lookups are there in the order of their answers, over UDP and TCP.
func TestPcapOfDatagrams(t *testing.T) {
	table, summary, err := runPcap(t, protocoltest.Archive(t, "dns")["dns.pcap"], "-")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		got = append(got, strings.Join(slices.Concat(words[3:5], words[len(words)-3:]), " "))
	}
	if diff := cmp.Diff([]string{"dns nxdomain DNS A guoyongxin.com", "dns ok DNS A yunshan.net.cn"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, summary)
	}
}

func TestPcapThatIsNone(t *testing.T) {
	for stdin, want := range map[string]string{"": "-: not a packet capture (pcap, pcapng): EOF", "GET / HTTP/1.1\r\nHost: shop\r\n\r\n": "-: not a packet capture (pcap, pcapng): "} {
		if out, _, err := runPcap(t, []byte(stdin), "-"); err == nil || !strings.HasPrefix(err.Error(), want) || out != "" {
			t.Errorf("%q: %v", stdin, err)
		}
	}
	if _, _, err := runPcap(t, nil, filepath.Join(t.TempDir(), "none.pcap")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("%v", err)
	}
}
