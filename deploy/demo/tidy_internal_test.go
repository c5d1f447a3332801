package demo

import (
	"bytes"
	"flag"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/midwatch/midwatch/collector/recording"
)

var update = flag.Bool("update", false, "tidy the committed recordings")

// TestRecordingsAreTidy: the committed recordings tell of the shop and Midwatch, and of nothing else that the machine did.
func TestRecordingsAreTidy(t *testing.T) {
	files, err := filepath.Glob("recordings/*" + recordingSuffix)
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), recordingSuffix)
		if *update {
			if err := tidy(file); err != nil {
				t.Fatal(err)
			}
			continue
		}
		b, err := recordings.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		batches, told := 0, map[string]bool{}
		tell := func(what string) {
			if !told[what] {
				t.Errorf("%s: %s", name, what)
			}
			told[what] = true
		}
		err = recording.Each(bytes.NewReader(b), time.Now(), func(b recording.Batch) error {
			batches++
			b.Only(func(resource pcommon.Map) bool {
				if v, ok := resource.Get("service.name"); ok && !concerns(resource) {
					tell("telemetry of " + v.AsString())
				}
				return true
			})
			b.Texts(func(text string) string {
				if impersonal("", text) != text {
					tell(text)
				}
				return text
			})
			return nil
		})
		if err != nil || batches == 0 && !*update {
			t.Errorf("%s: %d batches, %v", name, batches, err)
		}
	}
}

func TestImpersonal(t *testing.T) {
	for text, want := range map[string]string{
		"box": recordedHost, "box/12/345": recordedHost + "/12/345", "a box of books": "a box of books",
		"/opt/own/bin/midwatch-temporal":                 "/usr/local/bin/midwatch-temporal",
		"/opt/own/bin/shop fault - --dir /var/tmp":       "/usr/local/bin/shop fault - --dir /var/tmp",
		"/var/tmp/midwatch-shop/bin/redis-server":        "/var/tmp/midwatch-shop/bin/redis-server",
		"/outer/042da55a011763e8bdaaa91bed0e1caf/shop-6": "/shop-6",
		"": "",
	} {
		if got := impersonal("box", text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
