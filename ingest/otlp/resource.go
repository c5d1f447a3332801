package otlp

import (
	"github.com/midwatch/midwatch/ingest/wire"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// resource is what all records of one OTLP resource share.
type resource struct {
	environment, service, version, instance, host string
	cluster, namespace                            string // in Kubernetes
	json                                          string // all attributes, as a JSON object of strings in the sender's order
	size                                          int    // bytes of json
}

// resource reads an OTLP Resource. Senders repeat them with every few records, so each is read once per request.
func (r *Rows) resource(b []byte) (*resource, error) {
	if known, ok := r.resources[string(b)]; ok {
		return known, nil
	}
	r.begin()
	var all attributes
	m := wire.Read(b)
	for m.Next() {
		if m.Number() != 1 {
			continue
		}
		if err := r.addAttribute(&all, m.Bytes()); err != nil {
			return nil, err
		}
	}
	if m.Err() != nil {
		return nil, m.Err()
	}
	out := r.newResource(&all)
	if r.resources == nil {
		r.resources = map[string]*resource{}
	}
	r.expand(len(b) + out.size + rowOverhead)
	r.resources[string(b)] = out
	return out, nil
}

func (r *Rows) newResource(all *attributes) *resource {
	if all.size > maxResource || r.long { // all of its records will be rejected
		return &resource{environment: r.Environment, service: "unknown_service", size: maxResource + 1}
	}
	out := &resource{
		environment: r.Environment, service: "unknown_service", version: r.brief(all.get(telemetry.ServiceVersion)),
		instance: r.brief(all.get(telemetry.ServiceInstanceID)), host: r.brief(all.get(telemetry.HostName)),
		cluster: r.brief(all.get(telemetry.K8sClusterUID)), namespace: r.brief(all.get(telemetry.K8sNamespace)),
	}
	if environment := all.get(telemetry.Environment); len(environment) > 0 {
		out.environment = r.environmentOf(r.brief(environment))
	}
	if service := all.get(telemetry.ServiceName); len(service) > 0 {
		out.service = r.brief(service)
	}
	text := []byte{'{'}
	for i, a := range all.list {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(wire.AppendQuoted(text, a.key), ':')
		text = wire.AppendQuoted(text, a.value)
	}
	out.json = string(append(text, '}'))
	out.size = len(out.json)
	return out
}

// scope is the instrumentation scope that records share.
type scope struct{ name, version []byte }

// sections walks the resources of a request and the scopes of each: resource_logs and resource_spans have the same shape. record is called for
// each message with that number in a scope. Protobuf allows a resource to come after what it is of, so it is looked for first.
func (r *Rows) sections(request []byte, record func(*resource, scope, []byte) error) error {
	m := wire.Read(request)
	for m.Next() {
		if m.Number() == 1 {
			if err := r.section(m.Bytes(), record); err != nil {
				return err
			}
		}
	}
	return m.Err()
}

func (r *Rows) section(b []byte, record func(*resource, scope, []byte) error) error {
	described, err := field(b, 1)
	if err != nil {
		return err
	}
	res, err := r.resource(described)
	if err != nil {
		return err
	}
	m := wire.Read(b)
	for m.Next() {
		if m.Number() != 2 {
			continue
		}
		if err := r.scoped(res, m.Bytes(), record); err != nil {
			return err
		}
	}
	return m.Err()
}

func (r *Rows) scoped(res *resource, b []byte, record func(*resource, scope, []byte) error) error {
	described, err := field(b, 1)
	if err != nil {
		return err
	}
	of, err := r.scope(described)
	if err != nil {
		return err
	}
	m := wire.Read(b)
	for m.Next() {
		if m.Number() != 2 {
			continue
		}
		r.begin()
		if err := record(res, of, m.Bytes()); err != nil {
			return err
		}
	}
	return m.Err()
}

func (r *Rows) scope(b []byte) (scope, error) {
	var out scope
	m := wire.Read(b)
	for m.Next() {
		switch m.Number() {
		case 1:
			out.name = r.shortened(r.valid(m.Bytes()))
		case 2:
			out.version = r.shortened(r.valid(m.Bytes()))
		}
	}
	return out, m.Err()
}

// field is the last field of a message that has a number, nil if there is none.
func field(b []byte, number int32) (found []byte, err error) {
	m := wire.Read(b)
	for m.Next() {
		if m.Number() == number {
			found = m.Bytes()
		}
	}
	return found, m.Err()
}
