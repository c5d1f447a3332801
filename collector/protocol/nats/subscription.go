package nats

import (
	"strings"
)

// maxInboxes bounds the subscriptions for replies that are remembered.
const maxInboxes = 64

// subscribe remembers a subscription by which replies come.
func (p *Parser) subscribe(subject string) {
	if len(p.inboxes) < maxInboxes {
		p.inboxes = append(p.inboxes, strings.Clone(subject))
		return
	}
	p.unseen = true
}

// subscribed tells whether a message under a subject would come on this connection. Where that is not known it is taken to be so for inboxes.
func (p *Parser) subscribed(subject string) bool {
	for _, pattern := range p.inboxes {
		if matches(pattern, subject) {
			return true
		}
	}
	return p.unseen && strings.HasPrefix(subject, inboxPrefix)
}

// matches tells whether a subscription covers a subject: * stands for one token, > for all that follow.
func matches(pattern, subject string) bool {
	for {
		p, morePattern, inPattern := strings.Cut(pattern, ".")
		s, moreSubject, inSubject := strings.Cut(subject, ".")
		switch {
		case p == ">":
			return true
		case p != "*" && p != s, inPattern != inSubject:
			return false
		case !inPattern:
			return true
		}
		pattern, subject = morePattern, moreSubject
	}
}
