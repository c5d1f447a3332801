package node

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol"
)

func TestDatabaseOfATitle(t *testing.T) {
	for title, want := range map[string]string{
		"postgres: shop_app shop 127.0.0.1(41234) idle\x00\x00\x00":        "shop",
		"postgres: shop_app shop 127.0.0.1(41234) idle in transaction":     "shop",
		"postgres: 15/main: postgres orders [local] SELECT":                "orders",
		"postgres: web shop ::1(5000) INSERT":                              "shop",
		"postgres: checkpointer ":                                          "",
		"postgres: 15/main: logical replication launcher":                  "",
		"/usr/lib/postgresql/15/bin/postgres\x00-D\x00/var/lib/postgresql": "",
		"": "",
	} {
		if got := databaseOf(title); got != want {
			t.Errorf("%q: got %q, want %q", title, got, want)
		}
	}
}

func TestDatabaseIsFilledInOnlyWhereItIsMissing(t *testing.T) {
	d, err := newDatabases()
	if err != nil {
		t.Fatal(err)
	}
	self := &host.Process{PID: os.Getpid()} // whose title is no backend's
	d.names.Add((&host.Process{PID: 7}).ID(), "shop")
	for name, c := range map[string]struct {
		process *host.Process
		role    probe.Role
		call    protocol.Call
		want    string
	}{
		"a known backend":        {&host.Process{PID: 7}, probe.RoleServer, protocol.Call{Protocol: protocol.PostgreSQL}, "shop"},
		"the conversation knows": {&host.Process{PID: 7}, probe.RoleServer, protocol.Call{Protocol: protocol.PostgreSQL, Namespace: "other"}, "other"},
		"the client's end":       {&host.Process{PID: 7}, probe.RoleClient, protocol.Call{Protocol: protocol.PostgreSQL}, ""},
		"another protocol":       {&host.Process{PID: 7}, probe.RoleServer, protocol.Call{Protocol: protocol.Redis}, ""},
		"no backend":             {self, probe.RoleServer, protocol.Call{Protocol: protocol.PostgreSQL}, ""},
	} {
		if d.fill(c.process, c.role, &c.call); c.call.Namespace != c.want {
			t.Errorf("%s of %s: got %q, want %q", name, filepath.Base(os.Args[0]), c.call.Namespace, c.want)
		}
	}
}
