package clickhouse

// Recognize tells whether b begins a connection: a Hello, alone.
func Recognize(b []byte) bool {
	r := reader{b: b}
	readHello(&r)
	return r.ok() && len(r.b) == 0
}

// Resumes tells whether b, taken from the middle of a connection, begins with a query and the block that follows each.
func Resumes(b []byte) bool {
	_, ok := layout(b)
	return ok
}

// layout finds the revision by which b is a query, followed by a block or cut within its text. It returns false if there is none.
func layout(b []byte) (revision int, ok bool) {
	if len(b) == 0 || b[0] != clientQuery {
		return 0, false
	}
	for _, revision := range layouts {
		r := reader{b: b}
		q := readQuery(&r, revision)
		if r.bad || q.text == "" || !isStatement(q.text) {
			continue
		}
		if r.short && !q.whole && len(q.text) > 64 {
			return revision, true
		}
		if r.ok() && len(r.b) > 1 && r.b[0] == clientData && r.b[1] == 0 {
			return revision, true
		}
	}
	return 0, false
}
