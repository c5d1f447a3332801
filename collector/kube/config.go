package kube

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"k8s.io/client-go/rest"

	"github.com/midwatch/midwatch/collector/kube/index"
)

// Config says which cluster is watched and where versions go.
type Config struct {
	Cluster      *rest.Config // address and credentials of the API server
	JetStreamURL string       // tls://host:port
	JetStreamTLS *tls.Config  // own certificate, and the CA of the server
	Environment  string       // what telemetry of the cluster is filed under; "": what the ingester takes
	Custom       []CustomResource
	Election     *Election     // needed when several exporters watch one cluster; nil: this one leads
	Index        *index.Index  // is kept up to date
	Retry        time.Duration // how often a kind that cannot be watched is tried again; 0: 1 minute
	Look         time.Duration // how often it is looked for what has not been said for a day; 0: 1 minute
	Log          *slog.Logger
	Now          func() time.Time // 0: time.Now
}

// Election is the Lease that decides which replica publishes.
type Election struct {
	Namespace, Name string // of the Lease
	Identity        string // of this replica: the pod's name
}

func (c Config) validate() (Config, error) {
	if c.Cluster == nil || c.JetStreamURL == "" || c.JetStreamTLS == nil || c.Index == nil {
		return c, errors.New("kube: Cluster, JetStreamURL, JetStreamTLS and Index are needed")
	}
	for i, r := range c.Custom {
		if err := r.Validate(); err != nil {
			return c, fmt.Errorf("kubernetes: custom resource %d: %w", i+1, err)
		}
	}
	if e := c.Election; e != nil && (e.Namespace == "" || e.Name == "" || e.Identity == "") {
		return c, errors.New("kubernetes: an election needs the namespace and name of a Lease, and an identity")
	}
	if c.Retry == 0 {
		c.Retry = time.Minute
	}
	if c.Look == 0 {
		c.Look = time.Minute
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}
