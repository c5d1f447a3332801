package kubernetes

import (
	"fmt"
	"slices"
	"time"
)

// Workload is an object with a pod template: Deployment, ReplicaSet, StatefulSet, DaemonSet, Job; a CronJob's template is its Job's.
type Workload struct {
	Object `json:"-"`
	Spec   struct {
		Replicas                *int `json:"replicas"`
		Completions             *int `json:"completions"`
		BackoffLimit            *int `json:"backoffLimit"`
		Paused                  bool `json:"paused"`
		Suspend                 bool `json:"suspend"`
		ProgressDeadlineSeconds *int `json:"progressDeadlineSeconds"`
		Template                struct {
			Spec PodSpec `json:"spec"`
		} `json:"template"`
		JobTemplate struct {
			Spec struct {
				Template struct {
					Spec PodSpec `json:"spec"`
				} `json:"template"`
			} `json:"spec"`
		} `json:"jobTemplate"`
	} `json:"spec"`
	Status struct {
		ObservedGeneration     int64       `json:"observedGeneration"`
		Replicas               int         `json:"replicas"`
		ReadyReplicas          int         `json:"readyReplicas"`
		UpdatedReplicas        int         `json:"updatedReplicas"`
		AvailableReplicas      int         `json:"availableReplicas"`
		DesiredNumberScheduled int         `json:"desiredNumberScheduled"`
		UpdatedNumberScheduled int         `json:"updatedNumberScheduled"`
		NumberReady            int         `json:"numberReady"`
		NumberAvailable        int         `json:"numberAvailable"`
		Active                 int         `json:"active"`
		Succeeded              int         `json:"succeeded"`
		Failed                 int         `json:"failed"`
		Conditions             []Condition `json:"conditions"`
	} `json:"status"`
}

// WorkloadOf reads a workload.
func WorkloadOf(o Object) Workload {
	w := into[Workload](o)
	w.Object = o
	if o.Kind == "CronJob" {
		w.Spec.Template = w.Spec.JobTemplate.Spec.Template
	}
	return w
}

// Condition returns one of its status by type, or the zero value.
func (w Workload) Condition(kind string) Condition {
	c, _ := condition(w.Status.Conditions, kind)
	return c
}

// Deadline is how long a rollout may make no progress until its controller gives it up.
func (w Workload) Deadline() time.Duration {
	return time.Duration(number(w.Spec.ProgressDeadlineSeconds, 600)) * time.Second
}

// RolledOut says that all pods are of the newest template, serve, and are alone.
func (w Workload) RolledOut() bool {
	return w.State() == "Available" && (w.Kind != "Deployment" || w.Status.Replicas <= w.Wanted())
}

// Template is what its pods are made of.
func (w Workload) Template() PodSpec { return w.Spec.Template.Spec }

// Wanted is how many pods it should have.
func (w Workload) Wanted() int {
	switch w.Kind {
	case "DaemonSet":
		return w.Status.DesiredNumberScheduled
	case "Job":
		return number(w.Spec.Completions, 1)
	}
	return number(w.Spec.Replicas, 1)
}

// Ready is how many of them are ready; of a Job, how many succeeded.
func (w Workload) Ready() int {
	switch w.Kind {
	case "DaemonSet":
		return w.Status.NumberReady
	case "Job":
		return w.Status.Succeeded
	}
	return w.Status.ReadyReplicas
}

// Updated is how many of its pods are of the newest template, and available how many of all may serve.
func (w Workload) Updated() (updated, available int) {
	if w.Kind == "DaemonSet" {
		return w.Status.UpdatedNumberScheduled, w.Status.NumberAvailable
	}
	return w.Status.UpdatedReplicas, w.Status.AvailableReplicas
}

func (w Workload) columns() Columns {
	state := w.State()
	return Columns{
		Status: state, Ready: fmt.Sprintf("%d/%d", w.Ready(), w.Wanted()), Images: w.Template().Images(),
		Message:   w.why(),
		Unhealthy: !slices.Contains([]string{"Available", "Complete", "Running", "Suspended", "Paused"}, state),
	}
}

// State is a word for how a workload does: of a Job what became of it, of the others whether a rollout is under way.
func (w Workload) State() string {
	if w.Kind == "Job" {
		return w.job()
	}
	updated, available := w.Updated()
	progress, _ := condition(w.Status.Conditions, "Progressing")
	switch {
	case w.Metadata.DeletionTimestamp != nil:
		return "Terminating"
	case w.Spec.Paused:
		return "Paused"
	case progress.Reason == "ProgressDeadlineExceeded":
		return progress.Reason
	case w.Kind == "ReplicaSet":
		if w.Ready() < w.Wanted() {
			return "NotReady"
		}
		return "Available"
	case w.Status.ObservedGeneration < w.Metadata.Generation, updated < w.Wanted():
		return "Progressing"
	case w.Ready() < w.Wanted(), w.Kind != "StatefulSet" && available < w.Wanted():
		return "NotReady"
	}
	return "Available"
}

func (w Workload) job() string {
	for _, kind := range []string{"Failed", "Complete", "Suspended"} {
		if c, ok := condition(w.Status.Conditions, kind); ok && c.Status == "True" {
			return kind
		}
	}
	if w.Status.Active > 0 {
		return "Running"
	}
	return "Pending"
}

func number(v *int, otherwise int) int {
	if v == nil {
		return otherwise
	}
	return *v
}

// why is what a condition says that is not as it should be.
func (w Workload) why() string {
	for _, kind := range []string{"ReplicaFailure", "Failed"} {
		if c := w.Condition(kind); c.Status == "True" {
			return c.Message
		}
	}
	if c := w.Condition("Progressing"); c.Status == "False" {
		return c.Message
	}
	return ""
}
