package node

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol"
)

// maxBackends bounds what is remembered: PostgreSQL's own default is 100 at a time.
const maxBackends = 4096

// databases knows which database a PostgreSQL backend serves, also when its connection is older than the probe: a
// backend says it in its process title. It belongs to one goroutine.
type databases struct {
	names *simplelru.LRU[host.ID, string] // :: backend → its database, "" when its title does not say
}

func newDatabases() (*databases, error) {
	names, err := simplelru.NewLRU[host.ID, string](maxBackends, nil)
	return &databases{names}, err
}

// fill puts the database's name where the conversation did not tell it.
func (d *databases) fill(p *host.Process, role probe.Role, c *protocol.Call) {
	if c.Protocol != protocol.PostgreSQL || role != probe.RoleServer || c.Namespace != "" {
		return
	}
	name, ok := d.names.Get(p.ID())
	if !ok {
		title, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.PID))
		if err != nil {
			return
		}
		name = databaseOf(string(title))
		d.names.Add(p.ID(), name)
	}
	c.Namespace = name
}

// client is the field of a title that tells the other end: "127.0.0.1(41234)", "::1(41234)" or "[local]".
var client = regexp.MustCompile(`^(\S+\(\d+\)|\[local\])$`)

// databaseOf reads a title such as "postgres: user database 127.0.0.1(41234) idle", which may name the cluster first:
// "postgres: 15/main: user database …". It returns "" for any other.
func databaseOf(title string) string {
	rest, ok := strings.CutPrefix(strings.TrimRight(title, "\x00 "), "postgres: ")
	if !ok {
		return ""
	}
	fields := strings.Fields(rest)
	for i := 2; i < len(fields); i++ {
		if client.MatchString(fields[i]) {
			return fields[i-1]
		}
	}
	return ""
}
