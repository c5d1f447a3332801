package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/midwatch/midwatch/deploy/testcluster"
)

// exec becomes a program on the node.
func (o options) exec(argv []string) error {
	enter, err := testcluster.Enter(o.dir, argv...)
	if err != nil {
		return err
	}
	return become(enter...)
}

func (o options) kubectl(args []string) error {
	return become(append([]string{filepath.Join(o.programs, "kube"), "kubectl", "--kubeconfig", filepath.Join(o.dir, "kubeconfig")}, args...)...)
}

func become(argv ...string) error {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return syscall.Exec(path, argv, os.Environ())
}

// status shows what runs in the cluster, pods included.
func (o options) status(_ context.Context) error {
	programs, err := testcluster.Programs(o.dir)
	if err != nil {
		return err
	}
	var sum int64
	for _, p := range programs {
		fmt.Printf("%8d  %-60s %5d MiB\n", p.PID, p.Name, p.Memory>>20)
		sum += p.Memory
	}
	fmt.Printf("%d programs, %d MiB\n", len(programs), sum>>20)
	return nil
}
