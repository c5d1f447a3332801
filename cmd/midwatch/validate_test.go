package main

import (
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/activities/notify"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/rules"
)

func TestValuesThatMakeNoSense(t *testing.T) {
	if err := defaults().validate(); err != nil {
		t.Fatalf("the defaults: %v", err)
	}
	for want, change := range map[string]func(*settings){
		"nice: -100":              func(s *settings) { s.Nice = -100 },
		"store.cluster: main":     func(s *settings) { s.Store.Cluster = "main" },
		`there is no "metric"`:    func(s *settings) { s.Store.Retention.Days = map[string]int{"logs": 7, "metric": 3} },
		"disk_share: 1.5":         func(s *settings) { s.Store.Retention.DiskShare = 1.5 },
		"ingester.max_series: -1": func(s *settings) { s.Ingester.MaxSeries = -1 },
		"alerts.every: -5s":       func(s *settings) { s.Alerts.Every = -5 * time.Second },
		"alerts.error_ratio":      func(s *settings) { s.Alerts.ErrorRatio = 5 },
		"alerts.rules: rule deep: expr: expression: at 1:5": func(s *settings) { s.Alerts.Written = []rules.Alert{{Name: "deep", Expr: "a > >"}} },
		"action 1 (x)":       func(s *settings) { s.Actions = []investigation.Action{{Name: "x", Kind: "explode"}} },
		"it needs a name":    func(s *settings) { s.Actions = []investigation.Action{{Kind: "restart"}} },
		"set command or sql": func(s *settings) { s.Actions = []investigation.Action{{Name: "x", Kind: "restart"}} },
		"sql needs dsn":      func(s *settings) { s.Actions = []investigation.Action{{Name: "x", Kind: "create_index", SQL: "x"}} },
		"leave command and":  func(s *settings) { s.Actions = []investigation.Action{{Name: "x", Kind: "stop_process", SQL: "x"}} },
		"unknown type \"sql\"": func(s *settings) {
			s.Actions = []investigation.Action{{Name: "x", Kind: "restart", Command: []string{"x"}, Parameters: []investigation.Parameter{{Name: "p", Type: "sql"}}}}
		},
		"two actions are named x": func(s *settings) {
			one := investigation.Action{Name: "x", Kind: "stop_process"}
			s.Actions = []investigation.Action{one, one}
		},
		"approvals_of":        func(s *settings) { s.Investigations.Of = map[investigation.ActionKind]int{"explode": 2} },
		"ai: provider secret": func(s *settings) { s.AI.Providers = []llm.ProviderConfig{{Name: "secret", Kind: "oracle"}} },
	} {
		s := defaults()
		change(&s)
		if err := s.validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error about %s, got %v", want, err)
		}
	}
}

func TestFilesAreReadBeforeAnythingStarts(t *testing.T) {
	s := defaults()
	s.Notify.Targets = []notify.Target{{Name: "on-call", Kind: "webhook", URL: "https://pager.example", KeyFile: "/nowhere/key"}}
	if err := s.checkFiles(); err == nil || !strings.Contains(err.Error(), "target on-call: key_file") {
		t.Errorf("got %v", err)
	}
	s = defaults()
	s.AI.Providers = []llm.ProviderConfig{{Name: "ours", Kind: llm.KindAnthropic, KeyFile: "/nowhere/key"}}
	if err := s.checkFiles(); err == nil || !strings.Contains(err.Error(), "provider ours: open key_file") {
		t.Errorf("got %v", err)
	}
	s = defaults()
	s.GitHub.TokenFile = "/nowhere/token"
	if err := s.checkFiles(); err == nil || !strings.Contains(err.Error(), "github: repositories") {
		t.Errorf("got %v", err)
	}
	s = defaults()
	s.Exporter.Kubeconfig = "/nowhere/kubeconfig"
	if err := s.checkFiles(); err == nil || !strings.Contains(err.Error(), "exporter: read kubeconfig /nowhere/kubeconfig") {
		t.Errorf("got %v", err)
	}
	s = defaults()
	s.Remedies.Kubeconfig, s.Remedies.Kinds = "/nowhere/kubeconfig", []investigation.ActionKind{investigation.RollbackWorkload}
	if err := s.checkFiles(); err == nil || !strings.Contains(err.Error(), "remedies: read kubeconfig /nowhere/kubeconfig") {
		t.Errorf("got %v", err)
	}
}
