package nats

import (
	"strings"

	"github.com/midwatch/midwatch/collector/protocol/template"
)

// Prefixes of subjects that have a meaning.
const (
	inboxPrefix = "_INBOX."
	ackPrefix   = "$JS.ACK."
)

// one stands for one of many.
const one = "?"

// templated replaces the tokens of a subject that name one of many. Inboxes are all one; of JetStream's own subjects what follows the stream goes, because
// most names of consumers are made up by clients; of key-value and object stores the key.
func templated(subject string) string {
	for prefix, kept := range map[string]int{inboxPrefix: 1, "_R_.": 1, ackPrefix: 2, "$JS.FC.": 2, "$KV.": 2, "$O.": 2} {
		if strings.HasPrefix(subject, prefix) {
			return first(subject, kept)
		}
	}
	if strings.HasPrefix(subject, "$JS.") {
		return first(subject, upToStream(subject))
	}
	tokens := strings.Split(subject, ".")
	for i, t := range tokens {
		if isNUID(t) {
			tokens[i] = one
		}
	}
	return template.Key(strings.Join(tokens, "."))
}

// first is a subject's first tokens, and whether there are more.
func first(subject string, tokens int) string {
	all := strings.SplitN(subject, ".", tokens+1)
	if len(all) <= tokens {
		return template.Key(subject)
	}
	return template.Key(strings.Join(all[:tokens], ".")) + "." + one
}

// upToStream is how many tokens a subject of JetStream's API has up to the stream: $JS.API.CONSUMER.INFO.orders.worker, with the name of a domain before API perhaps.
func upToStream(subject string) int {
	before, asked, ok := strings.Cut(subject, ".API.")
	if !ok {
		return 2
	}
	words := 2
	if tokens := strings.Split(asked, "."); len(tokens) > 1 {
		switch tokens[1] {
		case "MSG", "PEER", "LEADER", "DURABLE":
			words = 3
		}
	}
	return strings.Count(before, ".") + 2 + words + 1
}

// isNUID recognises the ids that clients make, of 22 letters and digits, which may have few digits.
func isNUID(t string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	return len(t) == 22 && strings.Trim(t, letters+strings.ToUpper(letters)+"0123456789") == "" && strings.ContainsAny(t, letters) && strings.ContainsAny(t, strings.ToUpper(letters)) &&
		strings.ContainsAny(t, "0123456789")
}
