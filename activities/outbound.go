package activities

import (
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/privacy"
)

// leaving is what redaction of one investigation needs, whoever reads what leaves: a model, or people whom Midwatch does not
// know, in pull requests and notifications.
type leaving struct {
	key         []byte // what pseudonyms follow from
	environment string
	names       *privacy.Map   // of the investigation
	known       *privacy.Known // of the environment
	hosts       []string       // machine names that must not leave
}

// redactor takes secrets and names out. A service that the alarms or keep name is no host and no user.
func (l leaving) redactor(alarms []investigation.Trigger, keep ...string) (*privacy.Redactor, error) {
	for _, t := range alarms {
		keep = append(append(keep, t.Service), t.Peers...)
	}
	r, err := privacy.New(privacy.Config{
		Key: privacy.EnvironmentKey(l.key, l.environment), Map: l.names, Known: l.known, Hosts: l.hosts, Keep: keep,
	})
	if err != nil {
		return nil, refused(err)
	}
	return r, nil
}

// outbound returns what takes secrets and names out of a text. Pseudonyms that a model wrote stay.
func (l leaving) outbound(alarms []investigation.Trigger, keep ...string) (func(text string) string, error) {
	r, err := l.redactor(alarms, keep...)
	if err != nil {
		return nil, err
	}
	return func(text string) string {
		q, _ := r.Request(llm.Request{System: text})
		return q.System
	}, nil
}

// culprit is the name of what a report blames, if there is one: it is as little a host as a service that sounded an alarm.
func culprit(r *investigation.Report) string {
	if r == nil {
		return ""
	}
	return r.Culprit.Name()
}
