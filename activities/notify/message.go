package notify

import (
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// Message is what a webhook's receiver gets as JSON. Texts are plain, cut, and hold pseudonyms where names must not leave.
type Message struct {
	Version     int                    `json:"version"` // 1
	ID          string                 `json:"id"`      // the same when a message is sent again
	Event       workflows.Event        `json:"event"`
	At          time.Time              `json:"at"`
	Environment string                 `json:"environment"`
	Incident    string                 `json:"incident"`
	Service     string                 `json:"service,omitempty"`
	Severity    investigation.Severity `json:"severity,omitempty"`
	Title       string                 `json:"title"` // of the incident
	Text        string                 `json:"text"`  // what happened, one line
	URL         string                 `json:"url,omitempty"`
	Fix         *Fix                   `json:"fix,omitempty"`
}

// Fix is the fix that a message is about.
type Fix struct {
	ID       string   `json:"id"`
	Action   string   `json:"action"`
	Target   string   `json:"target"`
	Content  string   `json:"content"` // what it would run, possibly cut: the page shows all of it
	Digest   string   `json:"digest"`
	Status   string   `json:"status"`
	Needed   int      `json:"needed"`             // people who must approve it
	Approved []string `json:"approved,omitempty"` // by whom it is so far
}
