package change

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/secret"
)

const (
	// maxDetail bounds a diff in bytes.
	maxDetail = 4 << 10
	// maxCompared bounds the text that is compared line by line, because that takes time quadratic in it at worst.
	maxCompared = 128 << 10
)

// profile describes a process as it is now.
func (s *state) profile(p *host.Process, args []string) profile {
	h := sha256.New()
	h.Write(s.Salt)
	for _, a := range args {
		h.Write([]byte(a))
		h.Write([]byte{0})
	}
	return profile{Digest: p.Digest, Program: p.Program(), Args: secret.Args(args), ArgsDigest: hex.EncodeToString(h.Sum(nil))}
}

// differences returns one change per kind that differs.
func differences(before, after profile, p *host.Process) []Change {
	var out []Change
	if before.Digest != after.Digest && before.Digest != "" && after.Digest != "" {
		out = append(out, executable(before, after, p))
	}
	if before.ArgsDigest != after.ArgsDigest {
		out = append(out, Change{
			Process: p, Kind: Arguments, At: p.Started, mark: fmt.Sprint(p.ID()),
			Before: clip(strings.Join(before.Args, " ")), After: clip(strings.Join(after.Args, " ")),
			Detail: diff(strings.Join(before.Args, "\n")+"\n", strings.Join(after.Args, "\n")+"\n"),
		})
	}
	return out
}

func executable(before, after profile, p *host.Process) Change {
	return Change{
		Process: p, Kind: Executable, At: p.Started, mark: fmt.Sprint(p.ID()), File: after.Program,
		Before: short(before.Digest), After: short(after.Digest),
		Detail: diff(before.Program+" "+short(before.Digest)+"\n", after.Program+" "+short(after.Digest)+"\n"),
	}
}

// diff is a unified diff without file names. Equal texts differ only in what is masked.
func diff(before, after string) string {
	switch {
	case before == after:
		return "only values that are masked differ"
	case len(before) > maxCompared || len(after) > maxCompared:
		return "too large to compare"
	}
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: difflib.SplitLines(before), B: difflib.SplitLines(after), FromFile: "before", ToFile: "after", Context: 3,
	})
	if err != nil {
		return err.Error()
	}
	return clip(strings.ToValidUTF8(text, "\uFFFD"))
}

// clip cuts at a line's end where it can and says so.
func clip(s string) string {
	const note = "\n…"
	if len(s) <= maxDetail {
		return s
	}
	s = s[:maxDetail-len(note)]
	if i := strings.LastIndexByte(s, '\n'); i > maxDetail/2 {
		s = s[:i]
	}
	return strings.ToValidUTF8(s, "") + note
}

// short is a digest as people read it.
func short(digest string) string { return digest[:min(12, len(digest))] }
