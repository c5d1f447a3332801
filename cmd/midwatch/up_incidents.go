package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// lookEvery is how often `up` looks for incidents to print.
const lookEvery = 2 * time.Second

// newsroom prints a line when an incident opens, and one whenever something became of it.
type newsroom struct {
	page  string            // address of the web UI
	since time.Time         // older incidents are no news
	told  map[string]string // incident → status that was printed
}

// follow looks for news until ctx ends. What cannot be read is read the next time: the parts say what is wrong with it.
func (n *newsroom) follow(ctx context.Context, db *metadata.DB, lines chan<- func(), out io.Writer) {
	for tick := time.NewTicker(lookEvery); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		incidents, err := db.ListIncidents(ctx, 20)
		if err != nil {
			continue
		}
		for _, text := range n.news(incidents) {
			lines <- func() { fmt.Fprint(out, text) }
		}
	}
}

// news are the lines about incidents, given newest first, that were not printed yet.
func (n *newsroom) news(incidents []investigation.Incident) []string {
	var lines []string
	for i := len(incidents) - 1; i >= 0; i-- {
		incident := incidents[i]
		before, known := n.told[incident.ID]
		if incident.OpenedAt.Before(n.since) || before == incident.Status {
			continue
		}
		n.told[incident.ID] = incident.Status
		text := fmt.Sprintf("  %s  %-17s %s\n", time.Now().Format(time.TimeOnly), statusWords(incident.Status), line(incident.Title))
		if !known || statusWords(incident.Status) != "investigating" {
			text += fmt.Sprintf("  %8s  %-17s %s/investigations/%s\n", "", "", n.page, incident.Investigation)
		}
		lines = append(lines, text)
	}
	return lines
}

// statusWords says what became of an incident as the web UI does: a closed one was investigated, whether or not its condition is over.
func statusWords(status string) string {
	if status == workflows.Closed {
		return "investigated"
	}
	return strings.ReplaceAll(status, "_", " ")
}
