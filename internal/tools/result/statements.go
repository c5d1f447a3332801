package result

// Statements is the result of statements: what was asked of databases and caches.
type Statements struct {
	Statements []Statement `json:"statements"`
}

// Statement is one templated statement, seen at one side of the connection.
type Statement struct {
	Database   string `json:"database"` // service of the database
	Side       string `json:"side"`     // server: measured at the database; client: only the caller was seen
	System     string `json:"system"`   // postgresql, redis
	Namespace  string `json:"namespace"`
	Collection string `json:"collection"`
	Operation  string `json:"operation"`
	Query      string `json:"query"` // templated text
	Change
	// TimePerS is milliseconds spent in the statement per second of the window.
	TimePerS Pair `json:"time_per_s"`
	// Codes counts the status codes of errors in the fault window, most frequent first.
	Codes []CodeCount `json:"codes"`
	// Callers are the services that sent it in the fault window.
	Callers []string `json:"callers"`
}

// CodeCount is how often a status code was seen.
type CodeCount struct {
	Code  string `json:"code"`
	Count uint64 `json:"count"`
}
