package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/spoken"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// askedKinds are the kinds of workloads that a question which names none may mean.
var askedKinds = []string{"Deployment", "StatefulSet", "DaemonSet", "CronJob"}

// maxAsked bounds the workloads of one question: an investigation looks into no more.
const maxAsked = 2

// askedWorkload is a workload that a question names and that is there.
type askedWorkload struct{ namespace, kindAndName, service string }

func (w askedWorkload) entity() telemetry.Entity {
	return telemetry.Workload(w.namespace, w.kindAndName)
}

// workloads are those that a question names, as the caller may see them: by kind, namespace or both, as nobody calls a service.
func (s *Server) workloads(ctx context.Context, who auth.Caller, question string, now time.Time) []askedWorkload {
	if _, err := s.cfg.Tools.Get("kubernetes_list"); err != nil {
		return nil // no cluster is watched
	}
	ctx, cancel := context.WithTimeout(ctx, knownWait)
	defer cancel()
	var out []askedWorkload
	for _, named := range spoken.Workloads(question) {
		kinds := askedKinds
		if named.Kind != "" {
			kinds = []string{named.Kind}
		}
		for _, kind := range kinds {
			for _, w := range s.look(ctx, who, named, kind, now) {
				if len(out) < maxAsked && !slices.Contains(out, w) {
					out = append(out, w)
				}
			}
		}
	}
	return out
}

// look finds the workloads of one kind that a question may mean.
func (s *Server) look(ctx context.Context, who auth.Caller, named spoken.Workload, kind string, now time.Time) (out []askedWorkload) {
	if len(who.Namespaces) > 0 && named.Namespace != "" && !slices.Contains(who.Namespaces, named.Namespace) {
		return nil
	}
	found, err := run[result.KubernetesObjects](ctx, s, who, "kubernetes_list", objectArguments{At: now, Kind: kind, Namespace: named.Namespace, Name: named.Name})
	if err != nil {
		s.cfg.Log.DebugContext(ctx, "look for a workload that a question names", "kind", kind, "error", err)
		return nil
	}
	for _, o := range found.Objects {
		if o.Name == named.Name {
			out = append(out, askedWorkload{o.Namespace, strings.ToLower(kind) + "/" + o.Name, telemetry.ServiceOf(o.Namespace, o.Name)})
		}
	}
	return out
}

type objectArguments struct {
	At        time.Time `json:"at"`
	Kind      string    `json:"kind"`
	Namespace string    `json:"namespace,omitempty"`
	Name      string    `json:"name"`
}
