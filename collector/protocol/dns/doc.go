// Package dns reads what name servers answer: which addresses a name has, or why it has none. Messages are taken apart by
// golang.org/x/net/dns/dnsmessage; what they mean is decided here.
package dns
