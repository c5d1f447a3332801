// Package node is the node agent: it wires the kernel probe, the process table, logs, metrics and changes of one machine to
// a publisher. Every queue in it is bounded, and what does not fit is counted.
package node
