package host

import (
	"debug/buildinfo"
	"io"
	"regexp"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// Build is what a Go executable says about its source. The zero value says nothing.
type Build struct {
	Module   string // path of the main package
	Revision string // commit, 40 hex digits
	Modified bool   // built from a changed working tree
}

// Anyone may run a program that claims anything: only what has the form of a path and of a commit is passed on.
var (
	packagePath = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~/-]{0,199}$`)
	gitCommit   = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// buildOf reads the build information of an executable; anything but one of Go's has none.
func buildOf(r io.ReaderAt) Build {
	info, err := buildinfo.Read(r)
	if err != nil {
		return Build{}
	}
	var b Build
	if packagePath.MatchString(info.Path) && info.Path != "command-line-arguments" {
		b.Module = info.Path
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && gitCommit.MatchString(s.Value):
			b.Revision = s.Value
		case s.Key == "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// fill writes the resource attributes. Without a commit the module alone tells nothing about what runs.
func (b Build) fill(a pcommon.Map) {
	if b.Revision == "" {
		return
	}
	a.PutStr(telemetry.VCSRevision, b.Revision)
	if b.Module != "" {
		a.PutStr(telemetry.GoModule, b.Module)
	}
	if b.Modified {
		a.PutStr(telemetry.VCSModified, "true")
	}
}
