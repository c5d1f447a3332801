package sample

import (
	_ "embed" // the manifests
	"strings"
)

// Manifests are the application in one namespace, for `kubectl apply -f -`.
func Manifests(namespace string) string { return strings.ReplaceAll(manifests, "NAMESPACE", namespace) }

//go:embed manifests.yaml
var manifests string

// Image is the name of the image that the manifests ask for; its entrypoint is cmd/sample.
const Image = "localhost/sample:1"

// Fault is one way to break the application with kubectl, as a person would, and what a good report says about it.
type Fault struct {
	Name string // also of the namespace that it is played in
	// Break and Mend are kubectl's arguments, one command each.
	Break, Mend [][]string
	// Culprit is whom a report may blame, as entities; Change is a word of the change that it must name, Says one for what came of it.
	Culprit      []string
	Change, Says string
	// Until is what the status of its pods must say before it is mended, if that takes longer than a report.
	Until string
	// Node says that the whole node is broken, for every namespace.
	Node bool
}

// Faults are all there are, those first that take longest to be told.
func Faults() []Fault {
	return []Fault{
		of("failing-probe", "back", "/ready", "readiness probe", patch("back", `[{"op":"replace","path":"/spec/template/spec/containers/0/readinessProbe/httpGet/path","value":"/ready"}]`)),
		of("bad-rollout", "back", "ERRORS", "fails", words("set env deployment/back ERRORS=0.4")),
		leak(),
		of("crash-loop", "front", "sever", "exits with code 1", patch("front", `[{"op":"replace","path":"/spec/template/spec/containers/0/args","value":["sever"]}]`)),
		of("bad-image", "front", "localhost/sample:2", "cannot be pulled", words("set image deployment/front app=localhost/sample:2")),
		of("cpu-limit", "back", "20m", "CPU limit", words("set resources deployment/back --limits=cpu=20m,memory=96Mi --requests=cpu=20m")),
		typo(),
		cordon(),
	}
}

// of is a fault that is one change of a deployment.
func of(name, deployment, change, says string, command []string) Fault {
	return Fault{
		Name: name, Culprit: blames(name, deployment), Change: change, Says: says, Break: within(name, command),
		Mend: within(name, words("rollout undo deployment/"+deployment)),
	}
}

// leak has a server keep what it answers, until it is killed.
func leak() Fault {
	f := of("out-of-memory", "back", "LEAK_KIB", "memory", words("set env deployment/back LEAK_KIB=1024"))
	f.Until = "OOMKilled"
	return f
}

// typo misspells a key in a ConfigMap; the pods that start afterwards refuse it.
func typo() Fault {
	const name = "configuration-typo"
	return Fault{
		Name: name, Culprit: append(blames(name, "back"), "workload/"+name+"/configmap/back"), Change: "greting", Says: "exits with code 1",
		Break: within(name, configure("greting: hello"), words("rollout restart deployment/back")),
		Mend:  within(name, configure("greeting: hello"), words("rollout restart deployment/back")),
	}
}

// cordon takes the only node from new pods, and asks for more.
func cordon() Fault {
	const name = "node-cordoned"
	return Fault{
		Name: name, Culprit: append(blames(name, "front"), "host/node1"), Change: "cordon", Says: "node1", Node: true,
		Break: append([][]string{{"cordon", "node1"}}, within(name, words("scale deployment/front --replicas=4"))...),
		Mend:  append([][]string{{"uncordon", "node1"}}, within(name, words("scale deployment/front --replicas=2"))...),
	}
}

func blames(namespace, deployment string) []string {
	return []string{"service/" + deployment + "." + namespace, "workload/" + namespace + "/deployment/" + deployment}
}

func words(command string) []string { return strings.Fields(command) }

func within(namespace string, commands ...[]string) [][]string {
	out := make([][]string, len(commands))
	for i, c := range commands {
		out[i] = append([]string{"--namespace", namespace}, c...)
	}
	return out
}

func patch(deployment, operations string) []string {
	return []string{"patch", "deployment", deployment, "--type", "json", "--patch", operations}
}

// configure replaces the first line of back's configuration file.
func configure(line string) []string {
	return []string{"patch", "configmap", "back", "--type", "merge", "--patch", `{"data":{"app.conf":"` + line + `\ntimeout: 2s\n"}}`}
}
