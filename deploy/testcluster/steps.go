package testcluster

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// step is one stage of a cluster's start.
type step struct {
	name string // what is true afterwards
	do   func(context.Context) error
}

func (c *Cluster) steps() []step {
	return []step{
		{"API server ready, images loaded", func(ctx context.Context) error {
			g, ctx := errgroup.WithContext(ctx)
			g.Go(func() error { return c.controlPlane(ctx) })
			g.Go(func() error { return c.runtime(ctx) })
			return g.Wait()
		}},
		{"node ready", func(ctx context.Context) error {
			// The default account is made by a controller, and bare pods are refused without it.
			for _, p := range []Part{Controllers, Scheduler, Proxy} {
				if err := c.spawn(p); err != nil {
					return err
				}
			}
			if err := c.StartPart(ctx, Kubelet); err != nil {
				return err
			}
			return c.wait(ctx, "the default service account", func(ctx context.Context) error {
				_, err := c.client.CoreV1().ServiceAccounts("default").Get(ctx, "default", meta.GetOptions{})
				return err
			})
		}},
		{"cluster DNS ready", func(ctx context.Context) error {
			manifest, err := nodeFiles.ReadFile("node/coredns.yaml")
			if err != nil {
				return err
			}
			if _, err := c.Kubectl(ctx, string(manifest), "apply", "-f", "-"); err != nil {
				return err
			}
			return c.wait(ctx, "cluster DNS", c.dnsReady)
		}},
	}
}

func (c *Cluster) controlPlane(ctx context.Context) error {
	if err := c.StartPart(ctx, Etcd); err != nil {
		return err
	}
	return c.StartPart(ctx, APIServer)
}

// runtime starts containerd and loads the images every cluster has, and those that were asked for.
func (c *Cluster) runtime(ctx context.Context) error {
	if err := c.StartPart(ctx, Containerd); err != nil {
		return err
	}
	for name, program := range map[string]string{"localhost/pause:1": "pause", "localhost/coredns:1": "coredns"} {
		image := Image{Name: name, Entrypoint: []string{"/" + program}, Files: map[string]string{"/" + program: filepath.Join(c.cfg.Programs, program)}}
		archive := filepath.Join(c.cfg.Dir, program+".tar")
		if err := errors.Join(image.Write(archive), c.Load(ctx, archive)); err != nil {
			return err
		}
	}
	for _, archive := range c.cfg.Images {
		if err := c.Load(ctx, archive); err != nil {
			return err
		}
	}
	return nil
}

// nodeReady is an error that says why pods cannot run yet.
func (c *Cluster) nodeReady(ctx context.Context) error {
	node, err := c.client.CoreV1().Nodes().Get(ctx, NodeName, meta.GetOptions{})
	if err != nil {
		return err
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == core.NodeReady && condition.Status == core.ConditionTrue {
			return nil
		}
		err = errors.New(condition.Message)
	}
	return fmt.Errorf("node not ready: %w", err)
}

func (c *Cluster) dnsReady(ctx context.Context) error {
	d, err := c.client.AppsV1().Deployments("kube-system").Get(ctx, "coredns", meta.GetOptions{})
	if err == nil && d.Status.ReadyReplicas == 0 {
		err = fmt.Errorf("no pod ready: %s", strings.TrimSpace(fmt.Sprint(d.Status.Conditions)))
	}
	return err
}
