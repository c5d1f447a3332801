package exporter

import (
	"errors"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/internal/telemetry"
)

const (
	strangerPause = 500 * time.Millisecond
	strangerWait  = 10 * time.Second // the API server tells of a container within a second or two of its start
	maxStrangers  = 1 << 16
)

// errStranger means that a message is of a container that the cluster has not told of yet.
var errStranger = errors.New("the container is not known yet")

// strangers are the containers that were waited for in vain: those that no pod has, of a plain container runtime. Safe for concurrent use.
type strangers struct{ given *lru.Cache[string, struct{}] }

func newStrangers() (*strangers, error) {
	given, err := lru.New[string, struct{}](maxStrangers)
	if err != nil {
		return nil, fmt.Errorf("remember unknown containers: %w", err)
	}
	return &strangers{given}, nil
}

// await says whether the message is to wait for the cluster to tell of one of its containers.
func (s *strangers) await(x *index.Index, p payload, md *jetstream.MsgMetadata, now time.Time) bool {
	young := now.Sub(md.Timestamp) < strangerWait && time.Duration(md.NumDelivered)*strangerPause < strangerWait
	wait := false
	for resource := range p.resources() {
		id := text(resource, telemetry.ContainerID)
		if id == "" || s.given.Contains(id) {
			continue
		}
		if _, _, known := x.Container(id); known {
			continue
		}
		if young {
			wait = true
		} else if x.IsSynced() {
			s.given.Add(id, struct{}{})
		}
	}
	return wait
}
