package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/capture"
	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/conversation"
	"github.com/midwatch/midwatch/collector/protocol/dns"
	spans "github.com/midwatch/midwatch/collector/protocol/span"
)

func pcapCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "pcap FILE...", Short: "Print the spans that are in packet captures (pcap, pcapng; - is standard input)", Args: cobra.MinimumNArgs(1),
		Long: `Reads captures as a node agent reads the connections of its machine, with the same parsers: values, query strings and
literals do not come out. Needs neither root nor an installation.

  tcpdump -i any -w - | midwatch pcap -
  midwatch pcap --json shop.pcapng | jq 'select(.error)'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			write := writeRow
			if asJSON {
				write = writeLine
			}
			for _, name := range args {
				if err := printCapture(cmd, name, write); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print each span as a line of JSON")
	return cmd
}

// seenCall is a call as it is printed: its server's end.
type seenCall struct {
	conversation.Peer
	protocol.Call
}

// printCapture prints the calls of one file as they end, and what it was on stderr.
func printCapture(cmd *cobra.Command, name string, write func(io.Writer, seenCall) error) error {
	in := cmd.InOrStdin()
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	var failed error
	show := func(p conversation.Peer, c protocol.Call) {
		failed = cmp.Or(failed, write(cmd.OutOrStdout(), seenCall{asServer(p), c}))
	}
	r, err := newReader(show)
	if err != nil {
		return err
	}
	read := &counted{r: in}
	stop := every(10*time.Second, func() { fmt.Fprintf(cmd.ErrOrStderr(), "  %d MB read\n", read.n.Load()>>20) })
	stats, err := capture.Read(read, r)
	r.end(stats.Last)
	stop()
	if failed != nil {
		return failed
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", name, r.summary(stats))
	return err
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err //nolint:wrapcheck // the reader's own
}

// reader reads a capture as a node agent reads what the kernel saw.
type reader struct {
	*conversation.Tracker
	show       func(conversation.Peer, protocol.Call)
	datagrams  *dns.Datagrams[dns.Flow, struct{}]
	lookups    int // over UDP
	ended      bool
	unanswered int
}

var _ capture.Follower = (*reader)(nil)

func newReader(show func(conversation.Peer, protocol.Call)) (*reader, error) {
	r := &reader{show: show, datagrams: dns.NewDatagrams[dns.Flow, struct{}]()}
	var err error
	r.Tracker, err = conversation.New(conversation.Config{OnCall: func(p conversation.Peer, c protocol.Call) {
		if r.ended && c.ErrorType == protocol.ConnectionClosed { // it was not: the capture was over
			r.unanswered++
			return
		}
		show(p, c)
	}})
	return r, err
}

// Datagram implements capture.Follower.
func (r *reader) Datagram(from, to netip.AddrPort, at time.Time, b []byte) {
	flow := dns.FlowOf(from, to, b)
	r.datagrams.Ask(flow, struct{}{}, at, b)
	if _, c, ok := r.datagrams.Answer(flow, at, b); ok {
		r.lookups++
		r.show(conversation.Peer{Role: probe.RoleServer, Endpoints: probe.Endpoints{Local: flow.Server, Remote: flow.Client}}, c)
	}
}

func (r *reader) end(at time.Time) {
	r.ended = true
	r.End(at)
}

func (r *reader) summary(s capture.Stats) string {
	c := r.Stats()
	spans := int(c.Calls) + r.lookups - r.unanswered //nolint:gosec // there are no 2^63
	parts := []string{fmt.Sprintf("%d spans in %d connections, %d packets", spans, s.Connections, s.Packets)}
	add := func(n uint64, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(what, n))
		}
	}
	add(uint64(r.unanswered), "%d requests wait for their answers where the capture ends")
	add(c.Unknown, "%d connections speak no protocol that is understood")
	add(c.GivenUp, "%d connections were given up on (encrypted, upgraded, or not what they began as)")
	add(uint64(s.Missing), "%d bytes are not in the capture")
	if s.Cut {
		parts = append(parts, "the file ends in the middle of a packet")
	}
	return strings.Join(parts, "; ")
}

// asServer is the server's end of a call that was met at either.
func asServer(p conversation.Peer) conversation.Peer {
	if p.Role == probe.RoleClient {
		p.Role, p.Local, p.Remote = probe.RoleServer, p.Remote, p.Local
	}
	return p
}

// writeLine prints a call as one line of JSON, with the attributes that its span has in the store.
func writeLine(w io.Writer, c seenCall) error {
	s := ptrace.NewSpan()
	spans.Fill(s, c.Peer, c.Call)
	line := struct {
		Time       time.Time      `json:"time"`
		Duration   float64        `json:"duration_ms"`
		FirstByte  float64        `json:"first_byte_ms"`
		Protocol   string         `json:"protocol"`
		Name       string         `json:"name"`
		Client     string         `json:"client"`
		Server     string         `json:"server"`
		Error      string         `json:"error,omitempty"`
		Message    string         `json:"message,omitempty"`
		Trace      string         `json:"traceparent,omitempty"`
		Attributes map[string]any `json:"attributes"`
	}{
		c.Start.UTC(), milliseconds(c.Duration), milliseconds(c.FirstByte), string(c.Protocol), s.Name(), c.Remote.String(), c.Local.String(),
		spans.ErrorType(c.Role, c.Call), c.Error, c.TraceParent, s.Attributes().AsRaw(),
	}
	return json.NewEncoder(w).Encode(line)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// writeRow prints a call as a row of a table.
func writeRow(w io.Writer, c seenCall) error {
	s := ptrace.NewSpan()
	spans.Fill(s, c.Peer, c.Call)
	outcome := cmp.Or(c.Status, "ok")
	if e := spans.ErrorType(c.Role, c.Call); e != "" {
		outcome = e
	}
	text := s.Name()
	if c.Query != "" && c.Query != text {
		text += "  " + c.Query
	}
	if c.Protocol == protocol.DNS {
		text += "  " + c.Resource
	}
	if c.Error != "" {
		text += "  " + c.Error
	}
	_, err := fmt.Fprintf(w, "%s  %10.3f ms  %-10s  %-18s  %21s > %-21s  %s\n",
		c.Start.UTC().Format("15:04:05.000000"), milliseconds(c.Duration), c.Protocol, outcome, c.Remote, c.Local, asIs(text))
	return err
}
