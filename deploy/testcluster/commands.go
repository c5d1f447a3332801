package testcluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// Kubectl runs kubectl with an administrator's rights and returns its standard output; stdin may be empty.
func (c *Cluster) Kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.program(string(kubectl)), append([]string{"--kubeconfig", c.Kubeconfig()}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(out), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(exit.Stderr))
	}
	return string(out), err
}

// Run runs a program on the node, as root in its network and with its file system, and returns its standard output.
func (c *Cluster) Run(ctx context.Context, argv ...string) (string, error) {
	return c.node.run(ctx, nil, argv...)
}

// WriteFile writes a file of the node, and the directories above it. path is absolute.
func (c *Cluster) WriteFile(ctx context.Context, path string, content []byte) error {
	_, err := c.node.run(ctx, bytes.NewReader(content), "sh", "-c", `mkdir -p "${1%/*}" && cat >"$1"`, "sh", path)
	return err
}

// Load imports the images of an archive, as Image, `docker save` or OCI tools write it, into the node's containerd.
func (c *Cluster) Load(ctx context.Context, archive string) error {
	f, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("load image: %w", err)
	}
	defer f.Close()
	if _, err := c.node.run(ctx, f, "ctr", "--namespace", "k8s.io", "images", "import", "-"); err != nil {
		return fmt.Errorf("load image %s: %w", archive, err)
	}
	return nil
}

// Compact makes etcd forget every version but the newest, so that a watch from an older one is refused as too old. The API server answers from
// what it remembers itself until it is restarted.
func (c *Cluster) Compact(ctx context.Context) error {
	answer, err := c.etcd(ctx, "maintenance/status", nil)
	if err != nil {
		return err
	}
	revision, err := strconv.ParseInt(answer.Header.Revision, 10, 64)
	if err != nil {
		return fmt.Errorf("read etcd's revision: %w", err)
	}
	_, err = c.etcd(ctx, "kv/compaction", map[string]any{"revision": revision, "physical": true})
	return err
}

type etcdAnswer struct {
	Header struct {
		Revision string `json:"revision"`
	} `json:"header"`
	Message string `json:"message"` // of an error
}

// etcd calls a method of etcd's JSON gateway.
func (c *Cluster) etcd(ctx context.Context, method string, request map[string]any) (answer etcdAnswer, err error) {
	if request == nil {
		request = map[string]any{}
	}
	body, err := json.Marshal(request)
	if err != nil {
		return answer, err
	}
	res, err := c.post(ctx, etcdURL+"/v3/"+method, body)
	if err != nil {
		return answer, fmt.Errorf("call etcd: %w", err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return answer, fmt.Errorf("call etcd: %s: %w", method, err)
	}
	if answer.Message != "" {
		return answer, fmt.Errorf("call etcd: %s: %s", method, answer.Message)
	}
	return answer, nil
}
