package workers

import "go.temporal.io/sdk/worker"

// Register gives to what all of the roles do, without a server.
func (w *Workers) Register(to worker.Registry) {
	for _, r := range w.cfg.Roles {
		w.register(to, r)
	}
}
