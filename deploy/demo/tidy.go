package demo

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/midwatch/midwatch/collector/recording"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// recordedHost is the machine's name in every recording.
const recordedHost = "node1"

// tidy takes out of a recording what is nobody's business: which other programs ran on the machine, its name, where Midwatch was
// installed. What the whole machine did, its processors and memory, stays.
func tidy(file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	host := ""
	err = recording.Rewrite(bytes.NewReader(b), &out, func(b recording.Batch) error {
		b.Only(func(resource pcommon.Map) bool {
			if v, ok := resource.Get(telemetry.HostName); ok {
				host = v.AsString()
			}
			return concerns(resource)
		})
		b.Texts(func(text string) string { return impersonal(host, text) })
		return nil
	})
	if err != nil {
		return fmt.Errorf("tidy %s: %w", file, err)
	}
	return os.WriteFile(file, out.Bytes(), 0o644)
}

// stagehands are programs that play the fault and record it.
var stagehands = []string{"midwatch-demo", "midwatch-record", "shop"}

// concerns tells whether telemetry is about the shop, Midwatch or the machine as a whole.
func concerns(resource pcommon.Map) bool {
	v, ok := resource.Get(telemetry.ServiceName)
	if !ok {
		return true
	}
	name := v.AsString()
	if slices.Contains(stagehands, name) {
		return false
	}
	p := plan.Default()
	for _, program := range p.Programs {
		if name == program.Name {
			return true
		}
	}
	return name == p.Redis.Name || name == "postgres" || name == "host" || strings.HasPrefix(name, "midwatch-")
}

var (
	// programs of Midwatch and the shop, wherever they are.
	programs = regexp.MustCompile(`(?:/[\w.-]+)*/bin/(midwatch[a-z-]*|shop)\b`)
	// cgroups of the shop, below whatever this machine puts everything into.
	cgroups = regexp.MustCompile(`^(?:/[\w.-]+)+(/shop-[0-9a-f]+)$`)
)

// impersonal is a text without the host's name, where it is an identity, and the paths of an installation.
func impersonal(host, text string) string {
	if host != "" && text == host {
		return recordedHost
	}
	if rest, ok := strings.CutPrefix(text, host+"/"); ok && host != "" {
		return recordedHost + "/" + rest
	}
	return cgroups.ReplaceAllString(programs.ReplaceAllString(text, "/usr/local/bin/$1"), "$1")
}
