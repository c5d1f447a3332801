package kubernetes

import (
	"fmt"
	"time"
)

// Pod is a pod's spec and status.
type Pod struct {
	Object `json:"-"`
	Spec   PodSpec   `json:"spec"`
	Status PodStatus `json:"status"`
}

// PodSpec is what a pod, or a workload's template, asks for.
type PodSpec struct {
	NodeName       string      `json:"nodeName"`
	InitContainers []Container `json:"initContainers"`
	Containers     []Container `json:"containers"`
	Volumes        []Volume    `json:"volumes"`
}

// Container is one of a pod's spec.
type Container struct {
	Name           string    `json:"name"`
	Image          string    `json:"image"`
	Command        []string  `json:"command"`
	Args           []string  `json:"args"`
	RestartPolicy  string    `json:"restartPolicy"` // of an init container: Always makes it a sidecar
	Resources      Resources `json:"resources"`
	LivenessProbe  *Probe    `json:"livenessProbe"`
	ReadinessProbe *Probe    `json:"readinessProbe"`
	StartupProbe   *Probe    `json:"startupProbe"`
	Env            []struct {
		Name      string `json:"name"`
		Value     string `json:"value"`
		ValueFrom struct {
			ConfigMapKeyRef struct {
				Name string `json:"name"`
				Key  string `json:"key"`
			} `json:"configMapKeyRef"`
		} `json:"valueFrom"`
	} `json:"env"`
	EnvFrom []struct {
		ConfigMapRef struct {
			Name string `json:"name"`
		} `json:"configMapRef"`
	} `json:"envFrom"`
}

// Resources are quantities as they are written: "250m", "128Mi".
type Resources struct {
	Limits   map[string]string `json:"limits"`
	Requests map[string]string `json:"requests"`
}

// Probe is how a kubelet asks a container.
type Probe struct {
	HTTPGet *struct {
		Path string `json:"path"`
		Port any    `json:"port"`
	} `json:"httpGet"`
	TCPSocket *struct {
		Port any `json:"port"`
	} `json:"tcpSocket"`
	Exec *struct {
		Command []string `json:"command"`
	} `json:"exec"`
	GRPC *struct {
		Port int `json:"port"`
	} `json:"grpc"`
	TimeoutSeconds   int `json:"timeoutSeconds"`
	PeriodSeconds    int `json:"periodSeconds"`
	FailureThreshold int `json:"failureThreshold"`
}

// Volume is one of a pod's spec, as far as it names configuration.
type Volume struct {
	Name      string `json:"name"`
	ConfigMap *struct {
		Name string `json:"name"`
	} `json:"configMap"`
}

// PodStatus is what became of a pod.
type PodStatus struct {
	Phase                 string            `json:"phase"`
	Reason                string            `json:"reason"` // Evicted, NodeLost
	Message               string            `json:"message"`
	PodIP                 string            `json:"podIP"`
	StartTime             time.Time         `json:"startTime"`
	Conditions            []Condition       `json:"conditions"`
	InitContainerStatuses []ContainerStatus `json:"initContainerStatuses"`
	ContainerStatuses     []ContainerStatus `json:"containerStatuses"`
}

// ContainerStatus is what became of a container.
type ContainerStatus struct {
	Name         string         `json:"name"`
	Image        string         `json:"image"`
	ContainerID  string         `json:"containerID"`
	Ready        bool           `json:"ready"`
	Started      bool           `json:"started"`
	RestartCount int            `json:"restartCount"`
	State        ContainerState `json:"state"`
	LastState    ContainerState `json:"lastState"`
}

// ContainerState has one field set, or none before the kubelet saw the pod.
type ContainerState struct {
	Waiting *Waiting `json:"waiting"`
	Running *struct {
		StartedAt time.Time `json:"startedAt"`
	} `json:"running"`
	Terminated *Terminated `json:"terminated"`
}

// Waiting is why a container does not run yet, or not now.
type Waiting struct {
	Reason  string `json:"reason"` // ContainerCreating, CrashLoopBackOff, ImagePullBackOff
	Message string `json:"message"`
}

// Terminated is how a container ended.
type Terminated struct {
	ExitCode    int       `json:"exitCode"`
	Signal      int       `json:"signal"`
	Reason      string    `json:"reason"` // OOMKilled, Error, Completed
	Message     string    `json:"message"`
	StartedAt   time.Time `json:"startedAt"`
	FinishedAt  time.Time `json:"finishedAt"`
	ContainerID string    `json:"containerID"`
}

// PodOf reads a pod.
func PodOf(o Object) Pod {
	p := into[Pod](o)
	p.Object = o
	return p
}

// State is the word for a pod's state that kubectl shows in the column STATUS.
func (p Pod) State() string {
	state := p.Status.Phase
	if p.Status.Reason != "" {
		state = p.Status.Reason
	}
	if starting, said := p.starting(); said {
		state = starting
	} else {
		state = p.running(state)
	}
	if p.Metadata.DeletionTimestamp != nil {
		if p.Status.Reason == "NodeLost" {
			return "Unknown"
		}
		if p.Status.Phase != "Succeeded" && p.Status.Phase != "Failed" {
			return "Terminating"
		}
	}
	return state
}

// starting is the state while an init container is not done.
func (p Pod) starting() (string, bool) {
	for i, s := range p.Status.InitContainerStatuses {
		switch t := s.State.Terminated; {
		case t != nil && t.ExitCode == 0, p.sidecar(s.Name) && s.Started:
			continue
		case t != nil:
			return "Init:" + ended(*t), true
		case s.State.Waiting != nil && s.State.Waiting.Reason != "" && s.State.Waiting.Reason != "PodInitializing":
			return "Init:" + s.State.Waiting.Reason, true
		}
		return fmt.Sprintf("Init:%d/%d", i, len(p.Spec.InitContainers)), true
	}
	return "", false
}

func (p Pod) sidecar(name string) bool {
	for _, c := range p.Spec.InitContainers {
		if c.Name == name {
			return c.RestartPolicy == "Always"
		}
	}
	return false
}

// running is the state once containers are what matters; the first container's word counts.
func (p Pod) running(state string) string {
	up := false
	for i := len(p.Status.ContainerStatuses) - 1; i >= 0; i-- {
		switch s := p.Status.ContainerStatuses[i]; {
		case s.State.Waiting != nil && s.State.Waiting.Reason != "":
			state = s.State.Waiting.Reason
		case s.State.Terminated != nil:
			state = ended(*s.State.Terminated)
		case s.Ready && s.State.Running != nil:
			up = true
		}
	}
	if state == "Completed" && up {
		if ready, _ := condition(p.Status.Conditions, "Ready"); ready.Status == "True" {
			return "Running"
		}
		return "NotReady"
	}
	return state
}

func ended(t Terminated) string {
	switch {
	case t.Reason != "":
		return t.Reason
	case t.Signal != 0:
		return fmt.Sprintf("Signal:%d", t.Signal)
	}
	return fmt.Sprintf("ExitCode:%d", t.ExitCode)
}

// Ready counts the containers that are ready, sidecars among them, and how many there are.
func (p Pod) Ready() (ready, of int) {
	of = len(p.Spec.Containers)
	for _, s := range p.Status.ContainerStatuses {
		if s.Ready && s.State.Running != nil {
			ready++
		}
	}
	for _, s := range p.Status.InitContainerStatuses {
		if p.sidecar(s.Name) {
			of++
			if s.Ready && s.Started {
				ready++
			}
		}
	}
	return ready, of
}

// unhealthy says that a pod neither serves with all its containers nor ended well.
func (p Pod) unhealthy() bool {
	ready, of := p.Ready()
	return p.Status.Phase != "Succeeded" && (p.Status.Phase != "Running" || ready < of)
}

// why is what is said of a pod that has no node, had to go, or whose containers cannot be made.
func (p Pod) why() string {
	if p.Status.Message != "" {
		return p.Status.Message
	}
	if c := p.Condition("PodScheduled"); c.Status == "False" {
		return c.Message
	}
	for _, c := range p.Containers() {
		if c.State.Waiting != nil && c.State.Waiting.Message != "" {
			return c.State.Waiting.Message
		}
	}
	return ""
}

// Restarts is how often the kubelet started containers again.
func (p Pod) Restarts() (n int) {
	for _, s := range p.Containers() {
		n += s.RestartCount
	}
	return n
}

// Containers are the states of all containers, those that initialize first.
func (p Pod) Containers() []ContainerStatus {
	return append(append([]ContainerStatus{}, p.Status.InitContainerStatuses...), p.Status.ContainerStatuses...)
}

// Condition returns one of a pod's status by type, or the zero value.
func (p Pod) Condition(kind string) Condition {
	c, _ := condition(p.Status.Conditions, kind)
	return c
}

// Container returns one by its name.
func (s PodSpec) Container(name string) (Container, bool) {
	for _, list := range [][]Container{s.Containers, s.InitContainers} {
		for _, c := range list {
			if c.Name == name {
				return c, true
			}
		}
	}
	return Container{}, false
}

// Images of a spec's containers, in their order.
func (s PodSpec) Images() []string {
	images := []string{}
	for _, c := range s.Containers {
		images = append(images, c.Image)
	}
	return images
}
