package node

import (
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol"
)

// Bounds of routes. Each is an operation with its own series, and whoever sends requests can invent paths.
const (
	maxRoutes        = 200  // of one service in one role
	maxRouteServices = 2048 // services in a role; the one idle longest is forgotten
	// otherRoute stands for paths that nobody serves and for routes past maxRoutes.
	otherRoute = "{other}"
	notFound   = "404"
)

// routes are the HTTP routes each service was seen with. It belongs to one goroutine.
type routes struct {
	seen *simplelru.LRU[routeOwner, map[string]bool] // :: service in a role → its routes
}

// routeOwner is a service as a server or as a client.
type routeOwner struct {
	service string
	role    probe.Role
}

func newRoutes() *routes {
	seen, _ := simplelru.NewLRU[routeOwner, map[string]bool](maxRouteServices, nil) // fails only for a size of zero
	return &routes{seen: seen}
}

// of returns the route a call is filed under. A path that was not found is a route only if it was found before.
func (r *routes) of(service string, role probe.Role, c *protocol.Call) string {
	if c.Protocol != protocol.HTTP {
		return c.Resource
	}
	owner := routeOwner{service, role}
	known, ok := r.seen.Get(owner)
	if !ok {
		known = map[string]bool{}
		r.seen.Add(owner, known)
	}
	switch {
	case known[c.Resource]:
	case c.Status == notFound, len(known) >= maxRoutes:
		return otherRoute
	default:
		known[c.Resource] = true
	}
	return c.Resource
}
