package testcluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// NodeName is the name of the one node, and its host name.
const NodeName = "node1"

// Config is what a cluster is made from.
type Config struct {
	Dir      string       // what the cluster writes, on a disk on which overlayfs can write; made if missing. Stop leaves only logs/
	Programs string       // where kube, coredns and pause are: .cache/kube, built by `make kube`
	Images   []string     // archives to load before anything is scheduled, see Image
	Log      *slog.Logger // progress; nil: silent
}

// Cluster is a cluster. Its methods may be called from several goroutines once Start returned.
type Cluster struct {
	cfg    Config
	node   *node
	api    *Forwarder // from the host's loopback to the API server
	client kubernetes.Interface
	// parts is what the lock covers.
	parts struct {
		sync.Mutex
		running map[Part]*process
	}
}

// New checks cfg and starts nothing.
func New(cfg Config) (*Cluster, error) {
	if os.Getuid() != 0 {
		return nil, errors.New("make a cluster: namespaces, mounts and control groups need root")
	}
	for _, name := range []string{"kube", "coredns", "pause"} {
		if _, err := os.Stat(filepath.Join(cfg.Programs, name)); err != nil {
			return nil, fmt.Errorf("find the cluster's programs: %w (build them with make kube)", err)
		}
	}
	if err := link(cfg.Programs); err != nil {
		return nil, fmt.Errorf("name the cluster's programs: %w", err)
	}
	for _, name := range []string{"containerd", "ctr", "runc", "iptables", "conntrack", "ip", "nsenter"} {
		if _, err := exec.LookPath(name); err != nil {
			return nil, fmt.Errorf("find the cluster's programs: %w (install them with deploy/deps.sh cluster)", err)
		}
	}
	var err error
	if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil {
		return nil, err
	}
	if cfg.Programs, err = filepath.Abs(cfg.Programs); err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Cluster{cfg: cfg}
	c.parts.running = map[Part]*process{}
	return c, nil
}

// startTimeout bounds Start: 15 s on two idle cores.
const startTimeout = 5 * time.Minute

// Start brings the cluster up, once, and returns when the node is ready, the images are loaded and cluster DNS answers. What a killed launcher left
// in the directory is removed first. After an error the cluster is stopped and its logs stay.
func (c *Cluster) Start(ctx context.Context) error {
	if s, err := readState(c.cfg.Dir); err == nil && s.Launcher.alive() {
		return fmt.Errorf("start cluster: one is in %s already (end it with make cluster-down)", c.cfg.Dir)
	}
	if err := Down(c.cfg.Dir); err != nil {
		return fmt.Errorf("tidy %s: %w", c.cfg.Dir, err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := c.start(ctx); err != nil {
		return errors.Join(fmt.Errorf("start cluster: %w (logs are in %s)", err, c.logs()), c.Stop())
	}
	return nil
}

func (c *Cluster) start(ctx context.Context) error {
	if err := c.files(); err != nil {
		return err
	}
	var err error
	if c.node, err = startNode(ctx, c.cfg.Dir); err != nil {
		return err
	}
	if c.api, err = c.Forward(apiAddress); err != nil {
		return err
	}
	if err := writeKubeconfig(c.Kubeconfig(), c.pki(), admin, "https://"+c.api.Addr()); err != nil {
		return err
	}
	if c.client, err = newClient(c.Kubeconfig()); err != nil {
		return err
	}
	started := time.Now()
	for _, step := range c.steps() {
		if err := step.do(ctx); err != nil {
			return err
		}
		c.cfg.Log.InfoContext(ctx, step.name, "after", time.Since(started).Round(10*time.Millisecond))
	}
	return nil
}

func newClient(kubeconfig string) (kubernetes.Interface, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	cfg.QPS, cfg.Burst = -1, 0 // tests wait on conditions
	cfg.WarningHandler = rest.NoWarnings{}
	return kubernetes.NewForConfig(cfg)
}

// Stop ends every process of the cluster and removes what it made, but its logs. It may be called after a failed Start, and twice.
func (c *Cluster) Stop() error {
	if c.api != nil {
		c.api.Close()
		c.api = nil
	}
	if c.node == nil {
		return nil
	}
	err := c.node.stop()
	c.node = nil
	return errors.Join(err, clear(c.cfg.Dir))
}

// Kubeconfig is the path of a file with an administrator's rights, for programs on the host.
func (c *Cluster) Kubeconfig() string { return filepath.Join(c.cfg.Dir, "kubeconfig") }

// Client is an administrator's client.
func (c *Cluster) Client() kubernetes.Interface { return c.client }

// Dial connects from the node's network: to a pod, a Service's address, the node. address holds an IP address, not a name.
func (c *Cluster) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return c.node.dial(ctx, network, address)
}

func (c *Cluster) logs() string { return filepath.Join(c.cfg.Dir, "logs") }
func (c *Cluster) pki() string  { return filepath.Join(c.cfg.Dir, "kubernetes") }
