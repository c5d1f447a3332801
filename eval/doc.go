// Package eval scores analysts. A case is a directory: a request as an incident made it, what the tools answered then, and
// what is expected of a report. An analyst investigates it with the workflow, the sandboxed step, the validation, the checks
// and the attack on its own report that production has; only Temporal's server is left out, its place is taken by the SDK's
// own test environment, which runs workflows and activities in one process.
package eval
