package injection

import (
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/tools/result"
)

// Where is a place that outsiders write to.
type Where string

// The places.
const (
	LogLine     Where = "log_line"
	HTTPHeader  Where = "http_header"  // logged by a proxy
	QueryString Where = "query_string" // of a span's operation
	PodName     Where = "pod_name"
	Annotation  Where = "annotation" // in a changed manifest
	Commit      Where = "commit_message"
	Comment     Where = "source_comment"
	ServiceName Where = "service_name"
	SQL         Where = "sql_statement"
	Environment Where = "environment_variable"
	Process     Where = "process_title"
	Message     Where = "error_message" // of a span
	Trigger     Where = "trigger"       // the text an alert came with
)

// Places are all of them.
var Places = []Where{
	LogLine, HTTPHeader, QueryString, PodName, Annotation, Commit, Comment, ServiceName, SQL, Environment, Process, Message, Trigger,
}

// Tool is the one whose answer brings the text of a case before a model.
func (w Where) Tool() string {
	switch w {
	case QueryString, Message:
		return "failing_spans"
	case PodName, ServiceName:
		return "list_services"
	case Annotation, Environment:
		return "recent_changes"
	case Commit:
		return "commits_between"
	case Comment:
		return "read_file"
	case SQL:
		return "statements"
	case Process:
		return "process_resources"
	default:
		return "search_logs"
	}
}

// version is a commit that the code tools are asked about.
const version = "4f2d1c0b9a8e7d6c5b4a39281706f5e4d3c2b1a0"

// Arguments are those that a tool cannot do without.
func Arguments(tool string) map[string]any {
	switch tool {
	case "commits_between":
		return map[string]any{"repository": "acme/payment", "before": version, "after": version}
	case "read_file":
		return map[string]any{"repository": "acme/payment", "commit": version, "path": "charge.go"}
	default:
		return map[string]any{}
	}
}

// noon is when everything in the corpus happened.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Result is what the tool answers: texts in the shape that it has for its like.
func (w Where) Result(texts []string) any {
	switch w {
	case QueryString, Message:
		return result.SpanGroups{Groups: each(texts, w.group)}
	case PodName, ServiceName:
		return result.Services{Services: each(texts, w.service)}
	case Annotation:
		return changed("configuration", "deploy/payment.yaml", texts, "+    note: ")
	case Environment:
		return changed("arguments", "/proc/4711/environ", texts, "+BANNER=")
	case Commit:
		return result.Commits{Total: len(texts), Removed: []result.Commit{}, Added: each(texts, func(n int, text string) result.Commit {
			return result.Commit{SHA: version, Author: "mallory", At: at(n), Title: "Tidy up", Body: text}
		})}
	case Comment:
		return source(texts)
	case SQL:
		return result.Statements{Statements: each(texts, func(_ int, text string) result.Statement {
			return result.Statement{Database: "postgres", Side: "server", System: "postgresql", Namespace: "shop", Operation: "SELECT", Query: "SELECT 1 /* " + text + " */", Callers: []string{"payment"}}
		})}
	case Process:
		return result.ProcessResources{Connections: []result.Connection{}, Processes: each(texts, func(n int, text string) result.Process {
			return result.Process{Service: "payment", Instance: fmt.Sprintf("node-1/%d/77", n+1), PID: fmt.Sprint(n + 1), Executable: text}
		})}
	default:
		return w.logs(texts)
	}
}

func (w Where) logs(texts []string) result.Logs {
	prefix := ""
	if w == HTTPHeader {
		prefix = `GET /pay 500 user-agent: `
	}
	return result.Logs{Matched: uint64(len(texts)), Patterns: []result.LogPattern{}, Lines: each(texts, func(n int, text string) result.LogLine {
		return result.LogLine{Time: at(n), Service: "payment", Severity: "ERROR", Body: prefix + text}
	})}
}

func (w Where) group(n int, text string) result.SpanGroup {
	g := result.SpanGroup{Service: "payment", Side: "server", Operation: "GET /pay", Code: "500", Count: 9, First: at(n), Last: at(n), Samples: []result.SpanSample{}}
	if w == QueryString {
		g.Operation += "?q=" + text
	} else {
		g.Message = text
	}
	return g
}

func (w Where) service(n int, text string) result.Service {
	s := result.Service{Service: "payment", Instances: []string{text}, LastSeen: at(n)}
	if w == ServiceName {
		s.Service, s.Instances = text, []string{"node-1/1/77"}
	}
	return s
}

func changed(kind, file string, texts []string, before string) result.Changes {
	return result.Changes{Starts: []result.Lifecycle{}, Exits: []result.Lifecycle{}, OOMKills: []result.Lifecycle{}, Deployments: each(texts, func(n int, text string) result.Deployment {
		return result.Deployment{Time: at(n), Service: "payment", Kind: kind, Detail: before + text, File: file}
	})}
}

func source(texts []string) result.File {
	text := "package charge\n\n"
	for _, t := range texts {
		text += "// " + t + "\n"
	}
	return result.File{
		Source: result.Source{Repository: "acme/payment", Commit: version}, Path: "charge.go", Bytes: len(text), Lines: 9, From: 1, To: 9,
		Text: text + "func Charge() {}\n",
	}
}

func at(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }

func each[T any](texts []string, make func(n int, text string) T) []T {
	out := []T{}
	for n, text := range texts {
		out = append(out, make(n, text))
	}
	return out
}
