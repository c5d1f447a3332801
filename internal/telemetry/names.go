package telemetry

// Resource attributes. Every batch a node agent publishes carries ServiceName, ServiceInstanceID, HostName and Environment.
const (
	ServiceName       = "service.name"        // see docs/telemetry.md, "Naming a service"
	ServiceVersion    = "service.version"     // first 12 hex digits of the executable's SHA-256, or the image tag
	ServiceInstanceID = "service.instance.id" // host.name/pid/start ticks
	HostName          = "host.name"
	Environment       = "midwatch.environment" // the cluster or machine
	ContainerID       = "container.id"
	ProcessPID        = "process.pid"
	ProcessExecName   = "process.executable.name"
	ProcessExecPath   = "process.executable.path"
	ProcessStart      = "process.creation.time" // RFC 3339
	ProcessStartTicks = "midwatch.process.start_ticks"
	K8sNamespace      = "k8s.namespace.name"
	K8sPod            = "k8s.pod.name"
	K8sWorkload       = "midwatch.workload" // kind/name of the pod's controller
)

// Resource attributes that say which code runs: Go's build information of an executable, labels of an image, annotations of a pod.
const (
	VCSRepository = "vcs.repository.url.full"
	VCSRevision   = "vcs.ref.head.revision"             // a commit
	VCSModified   = "midwatch.vcs.modified"             // "true": built from a changed working tree
	GoModule      = "midwatch.go.module"                // path of the executable's main package
	ImageSource   = "org.opencontainers.image.source"   // URL
	ImageRevision = "org.opencontainers.image.revision" // a commit
	ImageVersion  = "org.opencontainers.image.version"
	ImageTag      = "container.image.tag"
)

// Span attributes.
const (
	HTTPMethod       = "http.request.method"
	HTTPRoute        = "http.route" // templated path
	HTTPStatus       = "http.response.status_code"
	URLPath          = "url.path" // no query string
	DBSystem         = "db.system.name"
	DBNamespace      = "db.namespace"
	DBCollection     = "db.collection.name"
	DBOperation      = "db.operation.name"
	DBQueryText      = "db.query.text"    // templated, literals replaced by ?
	DBQuerySummary   = "db.query.summary" // "SELECT products"
	DBStatus         = "db.response.status_code"
	RPCSystem        = "rpc.system"
	RPCService       = "rpc.service" // shop.Cart
	RPCMethod        = "rpc.method"
	GRPCStatus       = "rpc.grpc.status_code"
	MessagingSystem  = "messaging.system"
	MessagingTarget  = "messaging.destination.name" // topic, queue, exchange or subject, ids replaced
	MessagingAction  = "messaging.operation.name"   // publish, deliver, Fetch
	MessagingCount   = "messaging.batch.message_count"
	MessagingHost    = "midwatch.messaging.virtual_host" // of RabbitMQ
	DNSResponse      = "midwatch.dns.response_code"      // nxdomain, servfail …, of an answer without what was asked for
	DNSQuestion      = "dns.question.name"
	ErrorType        = "error.type"
	ServerAddress    = "server.address"
	ServerPort       = "server.port"
	PeerAddress      = "network.peer.address"
	PeerPort         = "network.peer.port"
	PeerService      = "peer.service"       // the service behind the other end, when known; of one outside the name that was asked for
	PeerName         = "midwatch.peer.name" // the name its address was asked for under, from the node agent to the exporter
	NetworkTransport = "network.transport"
	TLSEstablished   = "tls.established"        // true where what is told was encrypted on its way
	StatusClass      = "midwatch.status.class"  // of duration histograms: 2xx, 4xx, 5xx …, ok, error
	RequestSize      = "midwatch.request.size"  // bytes
	ResponseSize     = "midwatch.response.size" // bytes
)

// Metrics. Unit in the comment; gauges unless said otherwise; one point per process every 5 s.
const (
	ProcessCPU         = "process.cpu.utilization"                      // cores in use since the last point (1 = one core)
	ProcessRunDelay    = "midwatch.process.run_delay"                   // s/s: time runnable but waiting for a core
	ProcessMemory      = "process.memory.usage"                         // By, resident
	ProcessMemoryLimit = "midwatch.process.memory.limit"                // By, of its cgroup; absent when unlimited
	ProcessThrottled   = "midwatch.process.cpu.throttled"               // 0..1, share of periods in which its cgroup was held back at its CPU limit; absent when unlimited
	ProcessCPULimit    = "midwatch.process.cpu.limit"                   // cores, of its cgroup; absent when unlimited
	ProcessThreads     = "process.thread.count"                         // {thread}
	ProcessOpenFiles   = "process.open_file_descriptor.count"           // {file_descriptor}
	ProcessDiskRead    = "midwatch.process.disk.read"                   // By/s
	ProcessDiskWrite   = "midwatch.process.disk.write"                  // By/s
	ProcessNetIO       = "midwatch.process.network.io"                  // By/s, attribute network.io.direction (seen by syscalls)
	TCPConnections     = "midwatch.tcp.connections"                     // {connection}, established, per peer.service/server.address/server.port
	TCPConnectFailures = "midwatch.tcp.connect.failures"                // {connection} since the last point, same attributes + error.type
	DNSFailures        = "midwatch.dns.failures"                        // {lookup} without an address since the last point, attribute error.type (nxdomain, servfail, refused, formerr, notimp, timeout)
	SystemCPU          = "system.cpu.utilization"                       // 0..1, attribute cpu.mode (user, system, iowait, idle, steal)
	SystemMemory       = "system.memory.usage"                          // By, attribute system.memory.state (used, free, cached)
	SystemPressure     = "midwatch.system.pressure"                     // 0..1, avg10, attributes resource (cpu, memory, io) and kind (some, full)
	SystemDiskIO       = "midwatch.system.disk.io"                      // By/s, attributes system.device, disk.io.direction
	SystemNetIO        = "midwatch.system.network.io"                   // By/s, attributes network.interface.name, network.io.direction
	SystemFilesystem   = "system.filesystem.utilization"                // 0..1, attribute system.filesystem.mountpoint
	ProbeState         = "midwatch.probe.state"                         // 1, attributes hook, state (attached, fallback, missing), reason
	ProbeDrops         = "midwatch.probe.drops"                         // counter, attribute reason
	ProcessUnreported  = "midwatch.process.unreported"                  // {process} left out because the node has too many
	ServerDuration     = "http.server.request.duration"                 // s, delta histogram per minute, attributes of the span
	ClientDuration     = "http.client.request.duration"                 // s, same
	DBClientDuration   = "db.client.operation.duration"                 // s, same
	RPCServerDuration  = "rpc.server.duration"                          // s, same
	RPCClientDuration  = "rpc.client.duration"                          // s, same
	MessagingDuration  = "messaging.client.operation.duration"          // s, same
	BrokerDuration     = "midwatch.messaging.server.operation.duration" // s, same
	ExportMessages     = "midwatch.export.messages"                     // {message}, cumulative, of the exporter: attribute outcome
	ExportRecords      = "midwatch.export.records"                      // {record}, same
	ExportTexts        = "midwatch.export.texts"                        // {text}, same: what redaction rules changed
	IngestRecords      = "midwatch.ingest.records"                      // {record}, cumulative, of the ingester: attributes signal, outcome, reason
	IngestSeries       = "midwatch.ingest.series"                       // {series}, gauge, of the ingester: those of today, per environment
	IngestBytes        = "midwatch.ingest.bytes"                        // By, cumulative: requests as read, decompressed; attribute signal
	IngestRows         = "midwatch.ingest.insert.rows"                  // {row}, cumulative: attributes table, outcome (stored, refused, unknown)
	IngestDuration     = "midwatch.ingest.insert.duration"              // s, cumulative histogram: the same attributes
	IngestWaiting      = "midwatch.ingest.waiting"                      // {request} that wait for an insert
	IngestWaitingBytes = "midwatch.ingest.waiting.bytes"                // By of requests that are being read, wait or are inserted
	StoreDropped       = "midwatch.store.dropped"                       // By, delta, of the ingester: partitions that retention dropped; attributes table, reason (age, disk)
	DBServerDuration   = "midwatch.db.server.operation.duration"        // s, same
)

// EventName is the attribute of a log record that is an event; these are its values. An event's attributes are in docs/telemetry.md.
const (
	EventName       = "event.name"
	EventStart      = "midwatch.process.start"
	EventExit       = "midwatch.process.exit"
	EventOOMKill    = "midwatch.process.oom_kill"
	EventDropped    = "midwatch.store.dropped" // the store let go of a table's oldest day
	EventDeployment = "midwatch.deployment"    // a service's new executable, arguments or configuration
)

// Attributes of events.
const (
	ExitCode     = "process.exit.code"
	ExitSignal   = "midwatch.process.exit.signal"
	ChangeKind   = "midwatch.change.kind"   // executable, arguments, configuration
	ChangeBefore = "midwatch.change.before" // digest or text, secrets masked
	ChangeAfter  = "midwatch.change.after"
	ChangeDetail = "midwatch.change.detail" // unified diff of arguments or configuration, secrets masked, at most 4 KiB
	OOMMemory    = "midwatch.oom.memory"    // By, resident at death
	OOMLimit     = "midwatch.oom.limit"     // By, of the control group; absent when the machine itself ran out
	OOMCgroup    = "midwatch.oom.cgroup"    // path of the control group
	ChangeFile   = "midwatch.change.file"   // the executable or configuration file
)
