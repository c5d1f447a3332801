// Package dns reads what clients ask name servers and what those answer: which addresses a name has, or why it has none, and how long that took. Messages are
// taken apart by golang.org/x/net/dns/dnsmessage; what they mean is decided here.
package dns
