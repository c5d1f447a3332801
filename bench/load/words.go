package load

// Needle is a word that one log record in 100,000 has at its end.
const Needle = "needle_in_haystack"

// services are called the more often the earlier they are.
var services = [...]string{
	"frontend", "cart", "checkout", "payment", "shipping", "catalog", "recommendation", "ad", "email", "currency",
	"quote", "inventory", "search", "auth", "profile", "notification", "ledger", "fraud", "gateway", "worker",
}

// Service returns the name of a service; 0 is the busiest of Services.
func Service(n int) string { return services[n] }

// Services is how many there are.
const Services = len(services)

var routes = [...]string{
	"/api/v1/items/{id}", "/api/v1/cart", "/api/v1/checkout", "/healthz", "/api/v1/users/{id}/orders",
	"/api/v1/search", "/login", "/api/v1/payments", "/api/v1/quotes", "/metrics",
}

// words fill the bodies of logs: fifty, about fifteen a record, so each is in about a quarter of them.
var words = [...]string{
	"connection", "pool", "request", "upstream", "retry", "timeout", "cache", "miss", "hit", "order", "user", "session", "token",
	"validated", "rejected", "queue", "message", "published", "consumer", "offset", "commit", "transaction", "rollback", "latency",
	"exceeded", "threshold", "scheduled", "job", "finished", "started", "payload", "decoded", "invalid", "header", "missing", "backend",
	"healthy", "degraded", "circuit", "opened", "closed", "lease", "acquired", "released", "shard", "replica", "leader", "elected",
	"snapshot", "compaction",
}

var methods = [...]string{"GET", "POST", "PUT"}

// Words are what bodies are made of.
func Words() []string { return words[:] }

// Routes are what names are made of.
func Routes() []string { return routes[:] }
