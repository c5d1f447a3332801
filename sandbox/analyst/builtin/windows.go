package builtin

import "time"

const (
	// rightBefore is how long before the onset a change can be to have caused it: what a new version or setting breaks, it
	// breaks with the first requests. Reports of changes are some seconds late, hence the time after it.
	rightBefore, rightAfter = 30 * time.Second, 10 * time.Second
	// rolledBefore is the same for a change in Kubernetes, whose pods come up one after the other.
	rolledBefore = 3 * time.Minute
	// changeLookback is how long before the onset changes are looked for.
	changeLookback = 5 * time.Minute
)
