package clickhouse

// Packets of servers.
const (
	serverHello         = 0
	serverData          = 1
	serverException     = 2
	serverProgress      = 3
	serverPong          = 4
	serverEndOfStream   = 5
	serverProfileInfo   = 6
	serverTotals        = 7
	serverExtremes      = 8
	serverLog           = 10
	serverTableColumns  = 11
	serverProfileEvents = 14
)

// packet reads a packet of a server and returns what it is. A block that is compressed is none it can read: only the name before it is read.
func packet(r *reader, revision int, compressed bool) (code byte, framed bool) {
	code = r.byte()
	switch code {
	case serverData, serverTotals, serverExtremes:
		r.string()
		if compressed {
			return code, true
		}
		block(r, revision)
	case serverLog, serverProfileEvents:
		r.string()
		block(r, revision)
	case serverProgress:
		progress(r, revision)
	case serverProfileInfo:
		r.varints(3)
		r.flag()
		r.varint()
		r.flag()
		if revision >= revAggregation {
			r.flag()
			r.varint()
		}
	case serverTableColumns:
		r.string()
		r.string()
	case serverException:
		exception(r)
	case serverPong, serverEndOfStream:
	default:
		r.bad = true
	}
	return code, false
}

func progress(r *reader, revision int) {
	r.varints(3)
	if revision >= revTotalBytes {
		r.varint()
	}
	if revision >= revWriteInfo {
		r.varints(2)
	}
	if revision >= revElapsed {
		r.varint()
	}
}
