package notify

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/midwatch/midwatch/internal/privacy"
)

// slackText is one text object. Verbatim keeps Slack from making links and mentions of what looks like one.
type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim"`
}

type slackBlock struct {
	Type string    `json:"type"`
	Text slackText `json:"text"`
}

// slackMessage is the body of an incoming webhook. Nothing in it is unfurled, so nothing is fetched for it.
type slackMessage struct {
	Text        string       `json:"text"` // of the notification on a phone
	Blocks      []slackBlock `json:"blocks"`
	Parse       string       `json:"parse"`
	LinkNames   bool         `json:"link_names"`
	UnfurlLinks bool         `json:"unfurl_links"`
	UnfurlMedia bool         `json:"unfurl_media"`
}

// slack renders a message. The one link in it is ours: every other text is escaped, so that a model's words, or an
// attacker's in a log line, make no link, mention, image or formatting.
func slack(m Message) ([]byte, error) {
	say := func(text string) string { return unformatted(privacy.Slack(text)) }
	lines := []string{"*" + say(m.Text) + "*"}
	if m.Title != "" && !strings.Contains(m.Text, m.Title) {
		lines = append(lines, say(m.Title))
	}
	about := []string{say(m.Environment)}
	for _, part := range []string{m.Service, string(m.Severity), m.Incident} {
		if part != "" {
			about = append(about, say(part))
		}
	}
	lines = append(lines, strings.Join(about, " · "))
	if f := m.Fix; f != nil {
		lines = append(lines, fmt.Sprintf("Will run, on %s: `%s`", say(f.Target), say(f.Content)))
		if f.Needed > 1 {
			lines = append(lines, fmt.Sprintf("%d of %d approvals %s", len(f.Approved), f.Needed, say(strings.Join(f.Approved, ", "))))
		}
	}
	if m.URL != "" {
		lines = append(lines, "<"+m.URL+"|Open in Midwatch>")
	}
	text := strings.Join(lines, "\n")
	return json.Marshal(slackMessage{
		Text: say(m.Text), Parse: "none",
		Blocks: []slackBlock{{Type: "section", Text: slackText{Type: "mrkdwn", Text: text, Verbatim: true}}},
	})
}

// unformatted is one line that cannot leave the code that it may stand in.
func unformatted(text string) string {
	return strings.NewReplacer("`", "'", "\n", " ", "\r", " ").Replace(text)
}
