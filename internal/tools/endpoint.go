package tools

import (
	"fmt"
	"strings"
)

// endpoints knows which service accepts connections at an address, learned from server spans.
type endpoints map[string]string

// endpointsOf learns from rows; they are ordered by count, so that the busiest service keeps an address two were seen at.
func endpointsOf(rows []spanRow) endpoints {
	at := endpoints{}
	for _, r := range rows {
		if _, known := at[r.Address]; !known && r.Side == "server" {
			at[r.Address] = r.Service
		}
	}
	return at
}

// peer is the service at the other end of a call: the one the span names, else who listens at the address, else the
// address itself.
func (at endpoints) peer(named, address string) string {
	if named != "" {
		return named
	}
	if service, known := at[address]; known {
		return service
	}
	return address
}

// of returns the value of a key, made on first use.
func of[K comparable, V any](m map[K]*V, key K) *V {
	if m[key] == nil {
		m[key] = new(V)
	}
	return m[key]
}

// list is for a sentence: the first five names.
func list(names []string) string {
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > 5:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:5], ", "), len(names)-5)
	}
	return strings.Join(names, ", ")
}
