// Package detect looks at telemetry and raises triggers: alert rules over what services answer, an anomaly scan over what
// processes use, deployments, and what the kernel reported. Its methods are run by Temporal Schedules every few seconds.
//
// Every decision is made from the store alone, so that a detector that was restarted, or runs twice, raises the same
// triggers. A condition has to go on for some seconds before it is raised: its bad requests must be spread over the
// window (see Rules.Spread), which a restart's blip is not.
package detect
