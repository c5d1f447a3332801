// Package telemetry is the vocabulary every part shares: the attribute, metric and event names that
// Midwatch writes and reads, the subjects telemetry travels on, and the ids of the entities it is about.
// Names follow the OpenTelemetry semantic conventions where they have one; ours start with "midwatch.".
// docs/telemetry.md says which part emits what. The package imports nothing of Midwatch.
package telemetry
