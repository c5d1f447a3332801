package privacy

import "strings"

// maxHeader bounds the first line of a PEM block, in bytes.
const maxHeader = 80

// pem marks a PEM block, whose lines may be parted by real or written line ends. One that is cut off goes as far as what
// looks like its lines.
func (s *scanner) pem(i int) int {
	header := s.text[i+len("-----BEGIN "):]
	label, _, ok := strings.Cut(header[:min(len(header), maxHeader)], "-----")
	if !ok || strings.ContainsAny(label, "\n\"") {
		return s.dashes(i)
	}
	kind := "pem"
	if strings.Contains(label, "PRIVATE") || strings.Contains(label, "SEED") {
		kind = "private-key"
	}
	body := i + len("-----BEGIN ") + len(label) + len("-----")
	to := bodyEnd(s.text, body)
	if end := "-----END " + label + "-----"; strings.HasPrefix(s.text[to:], end) {
		to += len(end)
	} else if strings.HasPrefix(s.text[to:], "------END ") { // NATS writes six
		to += len("------END ")
		for to < len(s.text) && (s.text[to] == '-' || s.text[to] == ' ' || isUpper(s.text[to])) {
			to++
		}
	}
	s.secret(i, to, kind)
	return to
}

// bodyEnd steps over base64, white space, headers and line ends written as \n.
func bodyEnd(text string, i int) int {
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case alphanumeric(c), strings.IndexByte("+/=_.,: \t\r\n", c) >= 0:
		case c == '\\' && i+1 < len(text) && strings.IndexByte("nrt\\", text[i+1]) >= 0:
		case c == '-' && !strings.HasPrefix(text[i:], "-----"):
		default:
			return i
		}
	}
	return i
}

func (s *scanner) dashes(i int) int {
	for i < len(s.text) && s.text[i] == '-' {
		i++
	}
	return i
}
