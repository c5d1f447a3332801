// Package workflows holds the deterministic half of an investigation: what happens in which order, who waits for whom, and
// for how long. Every side effect is an activity (package activities); a payload is a reference or a line of text, never
// evidence. Nothing here reads a clock, a file or a network.
//
//	Scan ─▶ Intake ─▶ Incident ─▶ Investigation ─▶ report
//	             └─▶ DeploymentVerification ─▶ Incident
//	                         Incident ─▶ Remediation ─▶ approval ─▶ apply ─▶ verify
package workflows
