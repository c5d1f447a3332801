package dns

import (
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Bounds of what is read of one message. A chain of eight names is long, and clients try few of many addresses.
const (
	maxRecords   = 256
	maxAddresses = 64
	maxChain     = 16
)

// Answer is what a server answered to a question for the addresses of a name.
type Answer struct {
	Name      string        // that was asked for, in lower case, without the final dot
	Addresses []netip.Addr  // of the name or of what it is another name for; at most 64
	TTL       time.Duration // the shortest of theirs
	Failure   string        // why there are none: nxdomain, servfail, refused, formerr, notimp; "" when the server knew
}

// Parse reads a message, as much of it as there is: what comes after a damaged or missing record is left out. It returns false if it is no answer,
// if something else than addresses was asked for, or if the name is none that a host can have.
func Parse(message []byte) (Answer, bool) {
	var p dnsmessage.Parser
	h, err := p.Start(message)
	if err != nil || !h.Response || h.OpCode != 0 {
		return Answer{}, false
	}
	q, err := p.Question()
	if err != nil || q.Class != dnsmessage.ClassINET || q.Type != dnsmessage.TypeA && q.Type != dnsmessage.TypeAAAA {
		return Answer{}, false
	}
	if _, err := p.Question(); err != dnsmessage.ErrSectionDone { //nolint:errorlint // it is returned as it is
		return Answer{}, false
	}
	name, ok := hostname(q.Name)
	if !ok {
		return Answer{}, false
	}
	if h.RCode != dnsmessage.RCodeSuccess {
		failure := failureOf(h.RCode)
		if failure == "" {
			return Answer{}, false
		}
		return Answer{Name: name, Failure: failure}, true
	}
	a := Answer{Name: name}
	a.follow(records(&p))
	return a, true
}

// record is an address of a name, or another name for it.
type record struct {
	owner, target string     // target of an alias
	address       netip.Addr // else
	ttl           time.Duration
}

// records are the answers of use, in the order of the message.
func records(p *dnsmessage.Parser) []record {
	var out []record
	for range maxRecords {
		h, err := p.AnswerHeader()
		if err != nil {
			break
		}
		r := record{owner: text(h.Name), ttl: time.Duration(h.TTL) * time.Second}
		switch {
		case h.Class == dnsmessage.ClassINET && h.Type == dnsmessage.TypeCNAME:
			var alias dnsmessage.CNAMEResource
			alias, err = p.CNAMEResource()
			r.target = text(alias.CNAME)
		case h.Class == dnsmessage.ClassINET && h.Type == dnsmessage.TypeA:
			var a dnsmessage.AResource
			a, err = p.AResource()
			r.address = netip.AddrFrom4(a.A)
		case h.Class == dnsmessage.ClassINET && h.Type == dnsmessage.TypeAAAA:
			var a dnsmessage.AAAAResource
			a, err = p.AAAAResource()
			r.address = netip.AddrFrom16(a.AAAA).Unmap()
		default:
			if p.SkipAnswer() != nil {
				return out
			}
			continue
		}
		if err != nil {
			break
		}
		out = append(out, r)
	}
	return out
}

// follow goes from the name along its aliases and takes the addresses on the way. Records of other names are nobody's answer.
func (a *Answer) follow(records []record) {
	name := a.Name
	for range maxChain {
		next := ""
		for i := range records {
			r := &records[i]
			if !strings.EqualFold(r.owner, name) {
				continue
			}
			if !r.address.IsValid() {
				next = r.target
			} else if len(a.Addresses) < maxAddresses {
				if len(a.Addresses) == 0 || r.ttl < a.TTL {
					a.TTL = r.ttl
				}
				a.Addresses = append(a.Addresses, r.address)
			}
		}
		if next == "" {
			return
		}
		name = next
	}
}

func text(n dnsmessage.Name) string { return strings.TrimSuffix(n.String(), ".") }

// hostname returns a name as it is kept. Anything but letters, digits, hyphens and underscores is refused: names go into what people and programs
// read.
func hostname(n dnsmessage.Name) (string, bool) {
	name := strings.ToLower(text(n))
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return "", false
		}
	}
	return name, name != ""
}

func failureOf(code dnsmessage.RCode) string {
	switch code {
	case dnsmessage.RCodeFormatError:
		return "formerr"
	case dnsmessage.RCodeServerFailure:
		return "servfail"
	case dnsmessage.RCodeNameError:
		return "nxdomain"
	case dnsmessage.RCodeNotImplemented:
		return "notimp"
	case dnsmessage.RCodeRefused:
		return "refused"
	}
	return ""
}
