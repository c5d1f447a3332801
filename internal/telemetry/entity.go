package telemetry

import "strings"

// Entity identifies what a trigger, a claim or a fix is about, as kind/name:
//
//	service/checkout          every process that carries this service.name
//	table/catalog/products    a table or key space: database name, then table
//	host/node-1
//	workload/shop/deployment/checkout   a Kubernetes workload: namespace, kind in lower case, name
//
// Names may contain anything but control characters; the first slash ends the kind.
type Entity string

// Service is the entity of a service.
func Service(name string) Entity { return Entity("service/" + name) }

// Table is the entity of a database table.
func Table(database, table string) Entity { return Entity("table/" + database + "/" + table) }

// Host is the entity of a machine.
func Host(name string) Entity { return Entity("host/" + name) }

// Workload is the entity of a Kubernetes workload; kindAndName is as in K8sWorkload: deployment/checkout.
func Workload(namespace, kindAndName string) Entity {
	return Entity("workload/" + namespace + "/" + kindAndName)
}

// Kind is what comes before the first slash.
func (e Entity) Kind() string { k, _, _ := strings.Cut(string(e), "/"); return k }

// Name is what comes after the first slash.
func (e Entity) Name() string { _, n, _ := strings.Cut(string(e), "/"); return n }
