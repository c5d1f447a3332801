package kubernetes

import (
	"slices"
	"strings"
)

// Node is a machine of the cluster.
type Node struct {
	Object `json:"-"`
	Spec   struct {
		Unschedulable bool    `json:"unschedulable"`
		Taints        []Taint `json:"taints"`
	} `json:"spec"`
	Status struct {
		Conditions []Condition `json:"conditions"`
	} `json:"status"`
}

// Taint keeps pods away from a node.
type Taint struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Effect string `json:"effect"`
}

// NodeOf reads a node.
func NodeOf(o Object) Node {
	n := into[Node](o)
	n.Object = o
	return n
}

// Ready is the node's condition of that name.
func (n Node) Ready() Condition {
	c, _ := condition(n.Status.Conditions, "Ready")
	return c
}

// Pressure are the conditions other than Ready that hold: MemoryPressure, DiskPressure, PIDPressure, NetworkUnavailable.
func (n Node) Pressure() []Condition {
	return slices.DeleteFunc(slices.Clone(n.Status.Conditions), func(c Condition) bool { return c.Type == "Ready" || c.Status != "True" })
}

// State is what kubectl shows in the column STATUS, and the pressures a node is under.
func (n Node) State() string {
	words := []string{"Unknown"}
	switch n.Ready().Status {
	case "True":
		words[0] = "Ready"
	case "False", "Unknown":
		words[0] = "NotReady"
	}
	if n.Spec.Unschedulable {
		words = append(words, "SchedulingDisabled")
	}
	for _, c := range n.Pressure() {
		words = append(words, c.Type)
	}
	return strings.Join(words, ",")
}

// why is what the conditions that are not as they should be say.
func (n Node) why() string {
	var messages []string
	if ready := n.Ready(); ready.Status != "True" {
		messages = append(messages, ready.Message)
	}
	for _, c := range n.Pressure() {
		messages = append(messages, c.Message)
	}
	return strings.Join(messages, "; ")
}
