package kube

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// Times of the Lease: a replica that died is followed by another after at most leaseDuration.
const (
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	leaseRetry    = 2 * time.Second
)

// elect follows until this replica is the leader and leads until it is no more, over and over until ctx ends.
func (w *Watcher) elect(ctx context.Context, js jetstream.JetStream) error {
	client, err := coordination.NewForConfig(w.cfg.Cluster)
	if err != nil {
		return fmt.Errorf("use the Lease of the exporters: %w", err)
	}
	for ctx.Err() == nil {
		following, stopFollowing := context.WithCancel(ctx)
		var followed sync.WaitGroup
		followed.Go(func() {
			if err := w.follow(following); err != nil {
				w.cfg.Log.Warn("follow the leader of the exporters", "error", err)
			}
		})
		err := w.campaign(ctx, client, func(ctx context.Context) {
			stopFollowing()
			followed.Wait()
			w.untilItWorks(ctx, "lead the exporters", func(ctx context.Context) error {
				return w.lead(ctx, js)
			})
		})
		stopFollowing()
		followed.Wait()
		if err != nil && ctx.Err() == nil {
			w.cfg.Log.Warn("elect a leader; trying again", "error", err)
			select {
			case <-time.After(leaseRetry):
			case <-ctx.Done():
			}
		}
	}
	return nil
}

// campaign runs for leadership once and calls lead while it has it. It returns after lead did.
func (w *Watcher) campaign(ctx context.Context, client coordination.LeasesGetter, lead func(context.Context)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e := w.cfg.Election
	won := make(chan context.Context, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Namespace: e.Namespace, Name: e.Name}, Client: client,
			LockConfig: resourcelock.ResourceLockConfig{Identity: e.Identity},
		},
		Name: e.Name, LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: leaseRetry, ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) { won <- ctx },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("elect a leader by Lease %s/%s: %w", e.Namespace, e.Name, err)
	}
	over := make(chan struct{})
	go func() { defer close(over); elector.Run(ctx) }()
	select {
	case leading := <-won:
		w.cfg.Log.Info("leading: this exporter publishes the cluster's objects", "lease", e.Namespace+"/"+e.Name)
		lead(leading)
		cancel()
	case <-over:
	}
	<-over
	return errors.New("the Lease was lost")
}
