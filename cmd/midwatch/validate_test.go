package main

import (
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
)

func TestValuesThatMakeNoSense(t *testing.T) {
	if err := defaults().validate(); err != nil {
		t.Fatalf("the defaults: %v", err)
	}
	for want, change := range map[string]func(*settings){
		"nice: -100":          func(s *settings) { s.Nice = -100 },
		"alerts.every: -5s":   func(s *settings) { s.Alerts.Every = -5 * time.Second },
		"alerts.error_ratio":  func(s *settings) { s.Alerts.ErrorRatio = 5 },
		"action 1 (x)":        func(s *settings) { s.Actions = []investigation.Action{{Name: "x", Kind: "explode"}} },
		"ai: provider secret": func(s *settings) { s.AI.Providers = []llm.ProviderConfig{{Name: "secret", Kind: "oracle"}} },
	} {
		s := defaults()
		change(&s)
		if err := s.validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error about %s, got %v", want, err)
		}
	}
}
