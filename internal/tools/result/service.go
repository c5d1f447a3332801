package result

import "time"

// Services is the result of list_services.
type Services struct {
	Services []Service `json:"services"`
}

// Service is one service seen in the window.
type Service struct {
	Service   string    `json:"service"`
	Measure             // of its server spans
	Calls     uint64    `json:"calls"` // client spans
	Protocols []string  `json:"protocols"`
	Versions  []string  `json:"versions"`
	Instances []string  `json:"instances"`
	Hosts     []string  `json:"hosts"`
	LastSeen  time.Time `json:"last_seen"`
}

// Health is the result of service_health.
type Health struct {
	Service    string      `json:"service"`
	StepS      int         `json:"step_s"`
	Points     []Point     `json:"points"`
	Operations []Operation `json:"operations"`
}

// Point is one step of a series; a step without requests is left out.
type Point struct {
	Time time.Time `json:"time"` // start of the step
	Measure
}

// Operation is one operation of a service over the whole window.
type Operation struct {
	Operation string `json:"operation"`
	Measure
}

// Edges is the result of service_edges: who calls whom, and where services listen.
type Edges struct {
	Edges     []Edge     `json:"edges"`
	Endpoints []Endpoint `json:"endpoints"`
}

// Edge is the calls from one service to another.
type Edge struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Address  string `json:"address"`
	Protocol string `json:"protocol"`
	Measure
}

// Endpoint is where a service accepted connections.
type Endpoint struct {
	Service string `json:"service"`
	Address string `json:"address"` // host:port
}
