package node

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/collector/host/hosttest"
	"github.com/midwatch/midwatch/collector/protocol/dns/dnstest"
)

// What the benchmark sends.
const (
	floodRate    = 10_000 // datagrams a second
	floodSeconds = 3
	floodNames   = 1000
	floodRounds  = 3
	settle       = 5 * time.Second // what a node agent does when it starts is over by then
)

// flooded is what a flood took.
type flooded struct {
	CPU time.Duration // of the thread that sends and receives, per datagram
	Sum int           // datagrams
}

// flood is a role: it receives what it sends itself, floodRate datagrams a second, on one thread. Arguments: answers or others, the file for the result.
func flood(args []string) {
	runtime.LockOSThread()
	server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 83, 0, 1), Port: 53}) // what answers there needs no question
	if err != nil {
		panic(err)
	}
	client, err := net.DialUDP("udp4", nil, server.LocalAddr().(*net.UDPAddr))
	if err != nil {
		panic(err)
	}
	messages := datagrams(args[0])
	hosttest.Ready()
	hosttest.Wait()
	to, buf := client.LocalAddr().(*net.UDPAddr).AddrPort(), make([]byte, 512)
	begun, before := time.Now(), threadCPU()
	result := flooded{Sum: floodRate * floodSeconds}
	for i := range result.Sum {
		if due := begun.Add(time.Duration(i) * time.Second / floodRate); i%100 == 0 {
			time.Sleep(time.Until(due))
		}
		if _, err := server.WriteToUDPAddrPort(messages[i%len(messages)], to); err != nil {
			panic(err)
		}
		if _, err := client.Read(buf); err != nil {
			panic(err)
		}
	}
	result.CPU = (threadCPU() - before) / time.Duration(result.Sum)
	b, _ := json.Marshal(result)
	if err := os.WriteFile(args[1], b, 0o600); err != nil {
		panic(err)
	}
}

// datagrams are answers of three addresses behind an alias, or as many bytes that are none.
func datagrams(kind string) (all [][]byte) {
	zone := dnstest.Zone{}
	for i := range floodNames {
		name, at := fmt.Sprintf("h%d.example.com", i), fmt.Sprintf("198.51.%d.", i%256)
		zone[name] = dnstest.Host{Alias: "edge." + name}
		zone["edge."+name] = dnstest.At(at+strconv.Itoa(i/256), at+"100", at+"101")
		m := dnsmessage.Message{
			Header:    dnsmessage.Header{ID: uint16(i)},
			Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name + "."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
		}
		q, err := m.Pack()
		if err != nil {
			panic(err)
		}
		a, err := zone.Answer(q)
		if err != nil {
			panic(err)
		}
		if kind == "others" {
			a = make([]byte, len(a))
		}
		all = append(all, a)
	}
	return all
}

func threadCPU() time.Duration { return cpuOf(unix.RUSAGE_THREAD) }

func cpuOf(who int) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(who, &u); err != nil {
		panic(err)
	}
	return time.Duration(unix.TimevalToNsec(u.Utime) + unix.TimevalToNsec(u.Stime))
}

// BenchmarkAnswersOfDNS says what 10,000 datagrams a second cost: the process that receives them, without and with a node agent on the machine, in turns;
// and the node agent, beside what it takes anyway.
func BenchmarkAnswersOfDNS(b *testing.B) {
	for _, kind := range []string{"answers", "others"} {
		b.Run(kind, func(b *testing.B) {
			var without, with []time.Duration
			var agent []float64
			for range floodRounds {
				without = append(without, prepareFlood(b, kind)().CPU)
				a, _, stop := launch(b, Config{})
				needKernel(b, a)
				run := prepareFlood(b, kind)
				time.Sleep(settle)
				idle := cores(func() { time.Sleep(floodSeconds * time.Second) })
				agent = append(agent, cores(func() { with = append(with, run().CPU) })-idle)
				name := a.kernel.outside.names.Of(0, 0, netip.MustParseAddr("198.51.7.0"), time.Now())
				if kind == "answers" != (name == "h7.example.com") {
					b.Errorf("198.51.7.0 is called %q", name)
				}
				for reason, n := range a.probe.Drops() {
					if n > 0 {
						b.Errorf("%d drops: %s", n, reason)
					}
				}
				stop()
			}
			slices.Sort(without)
			slices.Sort(with)
			slices.Sort(agent)
			b.ReportMetric(float64(without[floodRounds/2].Nanoseconds()), "without-ns/datagram")
			b.ReportMetric(float64(with[floodRounds/2].Nanoseconds()), "with-ns/datagram")
			b.ReportMetric(agent[floodRounds/2], "agent-cores")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// cores is how many this process used meanwhile.
func cores(do func()) float64 {
	begun, before := time.Now(), cpuOf(unix.RUSAGE_SELF)
	do()
	return float64(cpuOf(unix.RUSAGE_SELF)-before) / float64(time.Since(begun))
}

// prepareFlood starts a flood that begins when run is called, which returns what it took.
func prepareFlood(b *testing.B, kind string) (run func() flooded) {
	b.Helper()
	file := filepath.Join(b.TempDir(), "result")
	c := child(b, "flood", "flood", kind, file)
	return func() (f flooded) {
		c.Stop()
		raw, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		if err := json.Unmarshal(raw, &f); err != nil {
			b.Fatal(err)
		}
		return f
	}
}
