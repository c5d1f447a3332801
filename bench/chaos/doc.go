// Command chaos kills parts of a running Midwatch with SIGKILL at named moments of investigations, and demands that each ends as
// one that nobody disturbed: the same verdict, culprit, claims and evidence, no model call repeated more than once or after its
// answer was committed to the ledger, no fix applied twice, no approval lost. docs/durability.md says what survives what.
//
// Everything is real and a process of its own: `midwatch up`, telemetry of a recorded fault in its store, a scripted model behind
// the vendor's SDK. A moment is not waited for with a sleep but held from the outside, until the kill: the model does not answer, a
// process is stopped, the metadata store is locked, the action does not end. So a kill lands in the phase it names, or the run fails.
package main
