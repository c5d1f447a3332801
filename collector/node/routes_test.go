package node

import (
	"fmt"
	"testing"

	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol"
)

func TestRoutesAreBounded(t *testing.T) {
	r := newRoutes()
	of := func(role probe.Role, route, status string) string {
		return r.of("shop", role, &protocol.Call{Protocol: protocol.HTTP, Resource: route, Status: status})
	}
	for _, c := range []struct{ what, route, status, want string }{
		{"nobody serves it", "/wp-admin", "404", otherRoute},
		{"served", "/carts/{id}", "200", "/carts/{id}"},
		{"served, but this one is missing", "/carts/{id}", "404", "/carts/{id}"},
		{"no answer", "/orders", "", "/orders"},
	} {
		if got := of(probe.RoleServer, c.route, c.status); got != c.want {
			t.Errorf("%s: %q is filed under %q, want %q", c.what, c.route, got, c.want)
		}
	}
	distinct := map[string]bool{}
	for i := range 10 * maxRoutes {
		distinct[of(probe.RoleServer, fmt.Sprintf("/made-up-%c%c", 'a'+i%26, 'a'+i/26), "200")] = true
	}
	if got := of(probe.RoleServer, "/carts/{id}", "200"); got != "/carts/{id}" {
		t.Errorf("a route known before is filed under %q", got)
	}
	if n := len(distinct); n > maxRoutes+1 || !distinct[otherRoute] {
		t.Errorf("%d routes, want at most %d and %s", n, maxRoutes, otherRoute)
	}
	if got := of(probe.RoleClient, "/elsewhere", "200"); got != "/elsewhere" {
		t.Errorf("the service's calls to others are filed under %q: they have room of their own", got)
	}
	if got := r.of("shop", probe.RoleServer, &protocol.Call{Protocol: protocol.PostgreSQL, Resource: "products"}); got != "products" {
		t.Errorf("a table became %q", got)
	}
}
