package clickhouse

// Packets of clients.
const (
	clientHello  = 0
	clientQuery  = 1
	clientData   = 2
	clientCancel = 3
	clientPing   = 4
)

const maxName = 256

// hello is how a client presents itself. Who it is, and its password, are passed over.
type hello struct {
	revision int
	database string
}

func readHello(r *reader) (h hello) {
	if r.byte() != clientHello {
		r.bad = true
	}
	if name := r.string(); r.ok() && !isName(name) {
		r.bad = true
	}
	major, minor, revision := r.varint(), r.varint(), r.varint()
	if r.ok() && (major > 1000 || minor > 10000 || revision < minRevision || revision > maxRevision) {
		r.bad = true
	}
	database := r.string()
	if r.ok() && (len(database) > maxName || !isText(database)) {
		r.bad = true
	}
	r.string() // user
	r.string() // password
	if !r.ok() {
		return hello{}
	}
	return hello{int(revision), string(database)}
}

// readServerHello is the revision of the server. What follows it goes until the client speaks again.
func readServerHello(r *reader) int {
	if r.byte() != serverHello {
		r.bad = true
	}
	r.string()
	r.varints(2)
	revision := r.varint()
	if r.ok() && (revision < revTimezone || revision > maxRevision) {
		r.bad = true
	}
	return int(revision)
}

// addendum passes over what a client sends once it knows the server.
func addendum(r *reader, revision int) {
	if revision >= revAddendum {
		r.string()
	}
	if revision >= revChunked {
		for range 2 {
			if mode := r.string(); r.ok() && string(mode) != "notchunked" {
				r.bad = true
			}
		}
	}
	if revision >= revReplicasVersion {
		r.varint()
	}
}

func isName(b []byte) bool { return len(b) > 0 && len(b) <= maxName && isText(b) }

// isText says that there are no control characters.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}
