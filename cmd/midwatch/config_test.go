package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/midwatch/midwatch/internal/config"
)

// The example says of itself that it shows the defaults; a key that does not exist would be an error.
func TestExampleShowsTheDefaults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "midwatch.yaml")
	if err := os.WriteFile(path, []byte(exampleYAML), 0o600); err != nil {
		t.Fatal(err)
	}
	got := defaults()
	if err := config.Load(path, got.sections()); err != nil {
		t.Fatal(err)
	}
	want := defaults()
	// The parts put these defaults in themselves, where the file leaves zero.
	want.Store.Database, want.Store.User, want.Store.MaxConns, want.Store.Retention.DiskShare = "midwatch", "default", 16, 0.8
	want.JetStream.MaxBytes = 1 << 30
	want.NodeAgent.Interval = got.NodeAgent.Interval
	i := &want.Investigations
	i.Bake, i.Settle, i.Wall, i.Approval = got.Investigations.Bake, got.Investigations.Settle, got.Investigations.Wall, got.Investigations.Approval
	i.Again = 2 * time.Minute
	i.Debounce, i.CoolDown = 2*time.Second, 10*time.Minute
	i.Remind, i.Escalate, i.SameCulprit, i.Approvals = 15*time.Minute, time.Hour, 2*time.Minute, 1
	i.Tokens, i.Dollars = got.Investigations.Tokens, got.Investigations.Dollars
	i.Concurrent, i.Turns = got.Investigations.Concurrent, got.Investigations.Turns
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the example differs from the defaults (-defaults +example):\n%s", diff)
	}
}

func TestEveryAddressCanBeMoved(t *testing.T) {
	s := defaults()
	for _, p := range s.ports() {
		if p.address == "" || p.key == "" || p.part == "" {
			t.Errorf("%+v", p)
		}
	}
	s.Store.Addresses, s.JetStream.URL, s.Temporal.Address = []string{"clickhouse:9440"}, "tls://nats:4222", "temporal:7233"
	for _, p := range s.ports() {
		switch p.key {
		case "ingester.grpc", "ingester.http", "api.listen":
		default:
			t.Errorf("%s still listens on %s though an address replaces it", p.part, p.address)
		}
	}
}

// A key that the example does not show can only be found in the code.
func TestExampleHasEveryKey(t *testing.T) {
	s := defaults()
	for name, section := range s.sections() {
		for _, key := range keysOf(reflect.TypeOf(section).Elem()) {
			if !regexp.MustCompile(`(?m)(^|[ {#])` + key + `:`).MatchString(exampleYAML) {
				t.Errorf("%s: key %s is not in the example", name, key)
			}
		}
	}
}

// keysOf are the keys that a section's type owns, at any depth.
func keysOf(typ reflect.Type) (keys []string) {
	switch typ.Kind() { //nolint:exhaustive // what has no keys
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return keysOf(typ.Elem())
	case reflect.Struct:
		for i := range typ.NumField() {
			field := typ.Field(i)
			key, flags, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			if key == "-" || !field.IsExported() || key == "" && flags != "inline" {
				continue
			}
			if key != "" {
				keys = append(keys, key)
			}
			keys = append(keys, keysOf(field.Type)...)
		}
	}
	return keys
}

// A flag of a command that is called like one of all commands would take its place: `--data` is where the installation is.
func TestNoFlagHidesAnother(t *testing.T) {
	top := root()
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if top.PersistentFlags().Lookup(f.Name) != nil {
				t.Errorf("%s has a flag --%s of its own", c.CommandPath(), f.Name)
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(top)
}
