// Package standalone is what `midwatch up` is: it starts the parts as separate processes on one machine, in the order they
// need each other, tells when each is ready, brings back what dies, and stops them in the reverse order.
package standalone
