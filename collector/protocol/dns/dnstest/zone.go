// Package dnstest is a small name server, for the tests of whatever sees its answers.
package dnstest

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Zone is what a server knows :: name without the final dot → host. Other names do not exist.
type Zone map[string]Host

// Host is what a name stands for: another name, addresses, or, when it is empty, a failure of the server.
type Host struct {
	Alias     string
	Addresses []netip.Addr
}

// At is a host with addresses.
func At(addresses ...string) Host {
	var h Host
	for _, a := range addresses {
		h.Addresses = append(h.Addresses, netip.MustParseAddr(a))
	}
	return h
}

const (
	ttl        = 60 // seconds
	maxMessage = 4096
)

// Serve answers questions until the connection is closed.
func (z Zone) Serve(c net.PacketConn) error {
	buf := make([]byte, maxMessage)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return fmt.Errorf("read a question: %w", err)
		}
		answer, err := z.Answer(buf[:n])
		if err != nil {
			continue // no question
		}
		if _, err := c.WriteTo(answer, from); err != nil {
			return fmt.Errorf("answer a question: %w", err)
		}
	}
}

// Answer makes the answer to a question.
func (z Zone) Answer(question []byte) ([]byte, error) {
	var p dnsmessage.Parser
	h, err := p.Start(question)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	h.Response, h.RecursionAvailable = true, true
	records, code := z.records(q)
	h.RCode = code
	b := dnsmessage.NewBuilder(nil, h)
	b.EnableCompression()
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	if err := b.Question(q); err != nil {
		return nil, err
	}
	if err := b.StartAnswers(); err != nil {
		return nil, err
	}
	for _, r := range records {
		switch body := r.Body.(type) {
		case *dnsmessage.CNAMEResource:
			err = b.CNAMEResource(r.Header, *body)
		case *dnsmessage.AResource:
			err = b.AResource(r.Header, *body)
		case *dnsmessage.AAAAResource:
			err = b.AAAAResource(r.Header, *body)
		}
		if err != nil {
			return nil, err
		}
	}
	return b.Finish()
}

// records follows the aliases of a name to its addresses of the type asked for.
func (z Zone) records(q dnsmessage.Question) (out []dnsmessage.Resource, code dnsmessage.RCode) {
	owner := q.Name
	for {
		h, known := z[strings.ToLower(strings.TrimSuffix(owner.String(), "."))]
		header := dnsmessage.ResourceHeader{Name: owner, Class: dnsmessage.ClassINET, TTL: ttl}
		switch {
		case !known:
			return out, dnsmessage.RCodeNameError
		case h.Alias != "":
			alias := dnsmessage.MustNewName(h.Alias + ".")
			out = append(out, dnsmessage.Resource{Header: header, Body: &dnsmessage.CNAMEResource{CNAME: alias}})
			owner = alias
			continue
		case len(h.Addresses) == 0:
			return nil, dnsmessage.RCodeServerFailure
		}
		for _, a := range h.Addresses {
			switch {
			case a.Is4() && q.Type == dnsmessage.TypeA:
				out = append(out, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: a.As4()}})
			case a.Is6() && q.Type == dnsmessage.TypeAAAA:
				out = append(out, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
			}
		}
		return out, dnsmessage.RCodeSuccess
	}
}
