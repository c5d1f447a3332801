package memcached

import "bytes"

// Recognize tells whether b, from the first byte of a connection, begins with a command.
func Recognize(b []byte) bool {
	if m, ok := readMessage(b, requestMagic); ok {
		return m.status == 0 && len(m.key) == int(b[3]) // the virtual bucket, which clients leave 0
	}
	line, _, whole := bytes.Cut(b[:min(len(b), maxLine)], []byte("\r\n"))
	c, ok := readCommand(line)
	return ok && whole && c.name != "quit"
}

// Resumes tells the same in the middle of a connection, where a line may be one of somebody's data: it has to be all there is, or what goes before data.
func Resumes(b []byte) bool {
	if !Recognize(b) {
		return false
	}
	if b[0] == requestMagic {
		return true
	}
	line, rest, _ := bytes.Cut(b, []byte("\r\n"))
	c, _ := readCommand(line)
	return c.size > 0 || len(rest) == 0
}
