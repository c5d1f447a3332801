package hook

import (
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

// Source is a system that posts alerts.
type Source string

// The sources.
const (
	Alertmanager Source = "alertmanager"
	Grafana      Source = "grafana"
)

// versions are those of the messages that are understood.
var versions = map[Source]string{Alertmanager: "4", Grafana: "1"}

// Config says how alerts become triggers.
type Config struct {
	Environment string
	// ServiceLabels name the service an alert is about, the first that an alert has counts. Empty: DefaultServiceLabels.
	ServiceLabels []string
}

// DefaultServiceLabels are what exporters, rules and Kubernetes call a service, the most telling first.
func DefaultServiceLabels() []string {
	return []string{
		"service_name", "service", "app_kubernetes_io_name", "app", "application", "deployment", "statefulset", "daemonset", "container", "job",
	}
}

// Result is what a message came to.
type Result struct {
	Triggers []investigation.Trigger // of firing alerts, in their order, no id twice
	Resolved []investigation.Trigger // the same of resolved ones: what began then is over
	Skipped  int                     // alerts that made no sense, or were too many
	Reason   string                  // why the first of them was skipped
	Cut      int                     // alerts that the sender itself left out
}

// Read makes the triggers of a message. The same body gives the same triggers, but for At, which is now. It returns
// ErrMessage when the body as a whole is not one of the source's.
func Read(source Source, body []byte, now time.Time, cfg Config) (Result, error) {
	m, err := decode(body, versions[source])
	if err != nil {
		return Result{}, err
	}
	r := Result{Cut: max(0, m.Truncated)}
	if len(cfg.ServiceLabels) == 0 {
		cfg.ServiceLabels = DefaultServiceLabels()
	}
	seen := map[string]bool{}
	for n, raw := range m.Alerts {
		if n >= maxAlerts {
			r.skip(len(m.Alerts)-n, "too many in one message")
			break
		}
		a, err := decodeAlert(raw)
		if err != nil {
			r.skip(1, err.Error())
			continue
		}
		t := trigger(source, a, now, cfg)
		if seen[t.ID+a.Status] {
			continue
		}
		seen[t.ID+a.Status] = true
		if a.Status == firing {
			r.Triggers = append(r.Triggers, t)
		} else {
			r.Resolved = append(r.Resolved, t)
		}
	}
	return r, nil
}

func (r *Result) skip(n int, why string) {
	if r.Skipped == 0 {
		r.Reason = plain(why, maxSummary)
	}
	r.Skipped += n
}
