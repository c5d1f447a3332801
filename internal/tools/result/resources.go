package result

// ProcessResources is the result of process_resources.
type ProcessResources struct {
	Processes   []Process    `json:"processes"`
	Connections []Connection `json:"connections"`
}

// Process is one process; a pair is its mean in each window.
type Process struct {
	Service     string  `json:"service"`
	Instance    string  `json:"instance"` // host/pid/start ticks
	PID         string  `json:"pid"`
	StartTicks  string  `json:"start_ticks"`
	Executable  string  `json:"executable"` // path
	CPU         Pair    `json:"cpu"`        // cores
	RunDelay    Pair    `json:"run_delay"`  // s/s: runnable, but waiting for a core
	MemoryBytes Pair    `json:"memory_bytes"`
	MemoryFirst float64 `json:"memory_first_bytes"` // first point of either window
	MemoryLast  float64 `json:"memory_last_bytes"`
	MemoryMax   float64 `json:"memory_max_bytes"`
	LimitBytes  float64 `json:"limit_bytes"` // of its cgroup, 0 when unlimited
	// GrowthPerS is the slope of memory through the fault window (Theil-Sen), bytes per second.
	GrowthPerS float64 `json:"growth_bytes_per_s"`
	OpenFiles  Pair    `json:"open_files"`
	Threads    Pair    `json:"threads"`
	Throttled  Pair    `json:"throttled"` // share of periods in which its cgroup was held back at its CPU limit
	CPULimit   float64 `json:"cpu_limit"` // cores of its cgroup, 0 when unlimited
}

// Connection is a service's established connections to one peer.
type Connection struct {
	Service  string  `json:"service"`
	Peer     string  `json:"peer"`
	Address  string  `json:"address"`
	Mean     Pair    `json:"mean"`
	Max      Pair    `json:"max"`
	Failures float64 `json:"failures"` // connects that failed in the fault window
}

// HostResources is the result of host_resources.
type HostResources struct {
	Hosts     []Host         `json:"hosts"`
	Services  []ServiceUsage `json:"services"`  // summed over processes, biggest growth of CPU first
	Processes []Process      `json:"processes"` // the 20 biggest by growth of CPU
}

// Host is one machine; shares are 0..1.
type Host struct {
	Host           string `json:"host"`
	CPUBusy        Pair   `json:"cpu_busy"` // share of all cores
	CPUPressure    Pair   `json:"cpu_pressure"`
	MemoryPressure Pair   `json:"memory_pressure"`
	IOPressure     Pair   `json:"io_pressure"`
	MemoryUsed     Pair   `json:"memory_used_bytes"`
	DiskFull       Pair   `json:"disk_full"` // fullest file system
}

// ServiceUsage is what the processes of a service use together.
type ServiceUsage struct {
	Service  string `json:"service"`
	CPU      Pair   `json:"cpu"`
	RunDelay Pair   `json:"run_delay"`
	Memory   Pair   `json:"memory_bytes"`
}
