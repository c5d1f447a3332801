package analysis

import (
	"cmp"
	"slices"
)

// Node is a service in the graph of calls.
type Node struct {
	Name string
	Bad  bool // fails or is slow, by its own account (server side)
}

// Call is an edge of the graph: From calls To.
type Call struct {
	From, To string
	Bad      bool // the calls fail or are slow
}

// Suspect is a service whose badness nothing further downstream explains.
type Suspect struct {
	Name     string
	Explains int // bad services upstream that its badness explains
	Unseen   bool
}

// Suspects ranks where badness begins: bad services none of whose bad calls leads to another bad service, and targets of bad
// calls that do not speak for themselves (Unseen: nothing answers there, or it is not instrumented). A service whose bad
// calls lead to a suspect is an effect and never a suspect itself. The most explaining comes first, then by name.
func Suspects(nodes []Node, calls []Call) []Suspect {
	bad := map[string]bool{}
	seen := map[string]bool{}
	for _, n := range nodes {
		bad[n.Name], seen[n.Name] = n.Bad, true
	}
	down, up := map[string][]string{}, map[string][]string{}
	for _, c := range calls {
		if c.Bad && c.From != c.To && (bad[c.To] || !seen[c.To]) {
			down[c.From] = append(down[c.From], c.To)
			up[c.To] = append(up[c.To], c.From)
		}
	}
	var out []Suspect
	for _, n := range nodes {
		if n.Bad && (len(down[n.Name]) == 0 || onlyCycle(n.Name, down)) {
			out = append(out, Suspect{Name: n.Name, Explains: reach(n.Name, up)})
		}
	}
	for _, name := range unseen(up, seen) {
		out = append(out, Suspect{Name: name, Explains: reach(name, up), Unseen: true})
	}
	slices.SortFunc(out, func(a, b Suspect) int {
		return cmp.Or(cmp.Compare(b.Explains, a.Explains), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// onlyCycle says that everything reachable from name leads back to it: services that call each other are all suspects.
func onlyCycle(name string, down map[string][]string) bool {
	for _, next := range visit(name, down) {
		if !slices.Contains(visit(next, down), name) {
			return false
		}
	}
	return true
}

func reach(name string, next map[string][]string) int {
	n := 0
	for _, v := range visit(name, next) {
		if v != name {
			n++
		}
	}
	return n
}

// visit lists what can be reached from name in one or more steps.
func visit(name string, next map[string][]string) []string {
	var out []string
	queue := slices.Clone(next[name])
	for seen := map[string]bool{}; len(queue) > 0; {
		v := queue[0]
		queue = queue[1:]
		if seen[v] {
			continue
		}
		seen[v] = true
		out = append(out, v)
		queue = append(queue, next[v]...)
	}
	return out
}

func unseen(up map[string][]string, seen map[string]bool) []string {
	var out []string
	for name := range up {
		if !seen[name] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
