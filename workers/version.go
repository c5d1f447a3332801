package workers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Version names this program's build among those that may run side by side, as a Temporal Worker Deployment knows them. Only the
// current build of a deployment gets workflow tasks; workflows that run go on with it, since their code keeps to what its histories
// say (workflow.GetVersion). The zero value is unversioned: whoever polls gets tasks, which is right where one worker runs at a time.
type Version struct {
	Deployment string // its name, the same for all builds
	Build      string
}

func (v Version) options() worker.DeploymentOptions {
	if v.Deployment == "" {
		return worker.DeploymentOptions{}
	}
	return worker.DeploymentOptions{
		UseVersioning: true, DefaultVersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
		Version: worker.WorkerDeploymentVersion{DeploymentName: v.Deployment, BuildID: v.Build},
	}
}

// joinEvery is the pause between looks at a deployment that Temporal is still making of its pollers.
const joinEvery = 500 * time.Millisecond

// join makes v current where the deployment has no current version: the first build of all. Any other waits to be promoted.
func (v Version) join(ctx context.Context, c client.Client) error {
	if v.Deployment == "" {
		return nil
	}
	handle := c.WorkerDeploymentClient().GetHandle(v.Deployment)
	for {
		d, err := handle.Describe(ctx, client.WorkerDeploymentDescribeOptions{})
		if err == nil && d.Info.RoutingConfig.CurrentVersion != nil {
			return nil
		}
		if err == nil {
			_, err = handle.SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{BuildID: v.Build, ConflictToken: d.ConflictToken})
		}
		if err == nil {
			return nil
		}
		if !passing(err) {
			return fmt.Errorf("join worker deployment %s as build %s: %w", v.Deployment, v.Build, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(joinEvery):
		}
	}
}

// passing tells that Temporal does not know the deployment yet, or that another worker was quicker.
func passing(err error) bool {
	var missing *serviceerror.NotFound
	var moved *serviceerror.FailedPrecondition
	return errors.As(err, &missing) || errors.As(err, &moved)
}

// Promote makes v the current version of its deployment in both namespaces. Its workers must be polling by then.
func (w *Workers) Promote(ctx context.Context) error {
	v := w.cfg.Version
	if v.Deployment == "" {
		return errors.New("promote: workers are not versioned; set worker.deployment in the configuration")
	}
	for _, namespace := range []string{w.cfg.Namespace, w.cfg.WatchNamespace} {
		c, err := w.dial(ctx, namespace)
		if err != nil {
			return err
		}
		_, err = c.WorkerDeploymentClient().GetHandle(v.Deployment).SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{BuildID: v.Build})
		c.Close()
		if err != nil {
			return fmt.Errorf("promote build %s of %s in namespace %s (are its workers running?): %w", v.Build, v.Deployment, namespace, err)
		}
	}
	return nil
}
