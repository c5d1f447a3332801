package conversation

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

// spoken are the protocols in the folders of the capture archive, and in its captures of connections as such. What is in the others, nobody understands.
var spoken = map[string]protocol.Name{
	"flow_generator": protocol.HTTP, "amqp": protocol.AMQP, "clickhouse": protocol.ClickHouse, "dns": protocol.DNS, "http": protocol.HTTP, "kafka": protocol.Kafka, "memcached": protocol.Memcached, "mongo": protocol.MongoDB,
	"mysql": protocol.MySQL, "nats": protocol.NATS, "postgre": protocol.PostgreSQL, "redis": protocol.Redis,
}

// TestNobodyTakesAnothers tries every dialect with all that is said in every capture, by clients and by servers, by itself and behind a head that was read by itself. Nobody may
// take what another protocol says.
func TestNobodyTakesAnothers(t *testing.T) {
	said, taken := 0, map[protocol.Name]int{}
	for name, pcap := range protocoltest.Archive(t, "") {
		if !strings.HasSuffix(name, ".pcap") {
			continue
		}
		own := spoken[path.Base(path.Dir(name))]
		for _, c := range protocoltest.Conversations(t, pcap, func([]byte) bool { return false }) {
			var before []byte
			for _, s := range c {
				said++
				for _, d := range slices.Concat(dialects(), pushes()) {
					if !d.takes(s.Head) && (len(before) == 0 || len(before) > maxHead || !d.takes(slices.Concat(before, s.Head))) {
						continue
					}
					if taken[d.name]++; d.name != own {
						t.Errorf("%s: taken for %s: %q", name, d.name, s.Head[:min(len(s.Head), 60)])
					}
				}
				before = s.Head
			}
		}
	}
	for folder, name := range spoken {
		if name != protocol.ClickHouse && taken[name] == 0 {
			t.Errorf("nothing in %s is taken for %s", folder, name)
		}
	}
	if said < 1000 {
		t.Errorf("only %d transfers", said)
	}
}

func (d dialect) takes(b []byte) bool { return d.opens != nil && d.opens(b) || d.resumes(b) }
