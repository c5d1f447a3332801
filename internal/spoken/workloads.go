package spoken

import (
	"regexp"
	"slices"
	"strings"
)

// Workload is a Kubernetes workload as a question names it: "" is what it does not say.
type Workload struct{ Kind, Namespace, Name string }

// object is the name of an object of Kubernetes.
const object = `[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?`

// workloadKinds are the words for a kind.
var workloadKinds = map[string]string{
	"deployment": "Deployment", "deployments": "Deployment", "deploy": "Deployment", "statefulset": "StatefulSet", "statefulsets": "StatefulSet", "sts": "StatefulSet",
	"daemonset": "DaemonSet", "daemonsets": "DaemonSet", "ds": "DaemonSet", "cronjob": "CronJob", "cronjobs": "CronJob", "job": "Job", "jobs": "Job",
	"workload": "", "pods": "", "pod": "",
}

const kindWords = `deployments?|deploy|statefulsets?|sts|daemonsets?|ds|cronjobs?|jobs?|workload|pods?`

// The ways in which people name a workload, the plainest first; each has its kind, name and namespace by these names. The namespace may follow.
var workloadForms = []*regexp.Regexp{
	regexp.MustCompile(`\b(?P<kind>` + kindWords + `)/(?P<name>` + object + `)` + inNamespace),
	regexp.MustCompile(`\b(?P<name>` + object + `) (?P<kind>` + kindWords + `)\b` + inNamespace),
	regexp.MustCompile(`\b(?P<kind>` + kindWords + `) (?:of |called |named )?(?:the )?["'` + "`" + `]?(?P<name>` + object + `)["'` + "`" + `]?` + inNamespace),
	regexp.MustCompile(`(?:^|[\s"'` + "`" + `(])(?P<name>` + object + `)\.(?P<namespace>` + object + `)(?:\.svc(?:\.cluster\.local)?)?\b`),
	regexp.MustCompile(`(?:^|[\s"'` + "`" + `(])(?P<namespace>` + object + `)/(?P<name>` + object + `)\b`),
	regexp.MustCompile(`["'` + "`" + `](?P<name>` + object + `)["'` + "`" + `]` + inNamespace),
	regexp.MustCompile(`\b(?P<name>` + object + `) in (?:the )?(?:namespace )?(?P<namespace>` + object + `)\b`),
}

const inNamespace = `(?:,? (?:in|of|from) (?:the )?(?:namespace )?(?P<namespace>` + object + `)\b)?`

// maxWorkloads bounds what one question names.
const maxWorkloads = 8

// Workloads finds what may be a workload in a question, the plainest first: words alone cannot tell, so each is to be looked up.
func Workloads(question string) []Workload {
	text := strings.Join(strings.Fields(strings.ToLower(question)), " ")
	var all []Workload
	for _, form := range workloadForms {
		for _, m := range form.FindAllStringSubmatch(text, -1) {
			var w Workload
			for i, part := range form.SubexpNames() {
				switch part {
				case "kind":
					w.Kind = workloadKinds[m[i]]
				case "name":
					w.Name = m[i]
				case "namespace":
					w.Namespace = m[i]
				}
			}
			if _, word := workloadKinds[w.Name]; !word && !slices.Contains(all, w) && len(all) < maxWorkloads {
				all = append(all, w)
			}
		}
	}
	return all
}
