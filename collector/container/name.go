package container

import (
	"encoding/json"
	"os"
	"path"
	"strings"
)

// Names finds the names of containers in what the runtimes leave on disk, so that no runtime socket is needed.
type Names struct {
	Docker     string // Docker's data directory; "" means /var/lib/docker
	Containerd string // containerd's task directory; "" means /run/containerd/io.containerd.runtime.v2.task
}

// Name returns the name of a container, "" when no runtime here knows it or its files may not be read.
func (n Names) Name(id string) string {
	if name := n.docker(id); name != "" {
		return name
	}
	return n.containerd(id)
}

func (n Names) docker(id string) string {
	dir := n.Docker
	if dir == "" {
		dir = "/var/lib/docker"
	}
	var c struct {
		Name   string
		Config struct{ Labels map[string]string }
	}
	if !readJSON(path.Join(dir, "containers", id, "config.v2.json"), &c) {
		return ""
	}
	if service := c.Config.Labels["com.docker.compose.service"]; service != "" {
		return service
	}
	return strings.TrimPrefix(c.Name, "/")
}

func (n Names) containerd(id string) string {
	dir := n.Containerd
	if dir == "" {
		dir = "/run/containerd/io.containerd.runtime.v2.task"
	}
	namespaces, _ := os.ReadDir(dir)
	for _, ns := range namespaces {
		var spec struct{ Annotations map[string]string }
		if !readJSON(path.Join(dir, ns.Name(), id, "config.json"), &spec) {
			continue
		}
		for _, key := range []string{"io.kubernetes.cri.container-name", "nerdctl/name"} {
			if name := spec.Annotations[key]; name != "" {
				return name
			}
		}
	}
	return ""
}

func readJSON(file string, into any) bool {
	b, err := os.ReadFile(file)
	return err == nil && json.Unmarshal(b, into) == nil
}
