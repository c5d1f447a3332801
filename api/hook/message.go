package hook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrMessage means a body is not what its sender documents. The text says what is wrong and may be shown to the sender.
var ErrMessage = errors.New("not a webhook message")

// MaxBody is the largest body that is read, in bytes: 1,000 alerts with the labels people give them.
const MaxBody = 2 << 20

// maxAlerts bounds the alerts of one message; Intake takes no more triggers into one incident either.
const maxAlerts = 1000

// message is the part of both webhooks' envelope that matters; they share it, because Grafana's is Alertmanager's.
type message struct {
	Version   string            `json:"version"`
	Status    string            `json:"status"` // firing or resolved, of the group
	Alerts    []json.RawMessage `json:"alerts"` // each apart: one that is broken does not spoil the rest
	Truncated int               `json:"truncatedAlerts"`
}

// alert is one alert of either system. Fields that only people look at (links, images, silences) are left out.
type alert struct {
	Status      string              `json:"status"`
	Labels      map[string]string   `json:"labels"`
	Annotations map[string]string   `json:"annotations"`
	StartsAt    time.Time           `json:"startsAt"`
	Fingerprint string              `json:"fingerprint"`
	Values      map[string]*float64 `json:"values"` // Grafana only; a query without data has null
}

// decode reads a whole body: one JSON object of the given version with alerts, and nothing after it.
func decode(body []byte, version string) (message, error) {
	if len(body) > MaxBody {
		return message{}, fmt.Errorf("%w: more than %d bytes", ErrMessage, MaxBody)
	}
	var m message
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&m); err != nil {
		return message{}, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return message{}, fmt.Errorf("%w: there is more behind it", ErrMessage)
	}
	switch {
	case m.Version != version:
		return message{}, fmt.Errorf("%w: version is %.20q, want %q", ErrMessage, m.Version, version)
	case m.Status != firing && m.Status != resolved:
		return message{}, fmt.Errorf("%w: status is %.20q, want firing or resolved", ErrMessage, m.Status)
	case len(m.Alerts) == 0:
		return message{}, fmt.Errorf("%w: it has no alerts", ErrMessage)
	}
	return m, nil
}

// States of an alert.
const (
	firing   = "firing"
	resolved = "resolved"
)

// decodeAlert reads one alert; an error says why it cannot become a trigger.
func decodeAlert(raw json.RawMessage) (alert, error) {
	var a alert
	if err := json.Unmarshal(raw, &a); err != nil {
		return a, err
	}
	switch {
	case a.Status != firing && a.Status != resolved:
		return a, errors.New("it is neither firing nor resolved")
	case len(a.Labels) == 0:
		return a, errors.New("it has no labels")
	case a.StartsAt.IsZero():
		return a, errors.New("it does not say when it began")
	}
	return a, nil
}
