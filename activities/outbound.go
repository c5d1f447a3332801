package activities

import (
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/privacy"
)

// leaving is what texts need that are read by people whom Midwatch does not know: pull requests and notifications.
type leaving struct {
	key         []byte // what pseudonyms follow from
	environment string
	names       *privacy.Map
	hosts       []string // machine names that must not leave
}

// outbound returns what takes secrets and names out of a text. Pseudonyms that a model wrote stay; a service that the alarms
// or keep name is no host.
func (l leaving) outbound(alarms []investigation.Trigger, keep ...string) (func(text string) string, error) {
	for _, t := range alarms {
		keep = append(append(keep, t.Service), t.Peers...)
	}
	r, err := privacy.New(privacy.Config{Key: privacy.EnvironmentKey(l.key, l.environment), Map: l.names, Hosts: l.hosts, Keep: keep})
	if err != nil {
		return nil, refused(err)
	}
	return func(text string) string {
		q, _ := r.Request(llm.Request{System: text})
		return q.System
	}, nil
}
