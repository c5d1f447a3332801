package kubernetes

// Autoscaler is a HorizontalPodAutoscaler.
type Autoscaler struct {
	Object `json:"-"`
	Spec   struct {
		ScaleTargetRef struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"scaleTargetRef"`
		MaxReplicas int `json:"maxReplicas"`
	} `json:"spec"`
	Status struct {
		CurrentReplicas int         `json:"currentReplicas"`
		DesiredReplicas int         `json:"desiredReplicas"`
		Conditions      []Condition `json:"conditions"`
	} `json:"status"`
}

// AutoscalerOf reads a HorizontalPodAutoscaler.
func AutoscalerOf(o Object) Autoscaler {
	a := into[Autoscaler](o)
	a.Object = o
	return a
}

// Condition returns one of its status by type, or the zero value.
func (a Autoscaler) Condition(kind string) Condition {
	c, _ := condition(a.Status.Conditions, kind)
	return c
}
