// Package builtin is the analyst that needs no model: rules and statistics over the results of the tools. It is pure and
// keeps nothing between steps: the same transcript gives the same step, byte for byte.
//
// Three turns: the first compares the fault with healthy time and asks what changed; the second asks what the suspects
// call for; the third concludes. Every rule states a hypothesis with its culprit, its chain of claims and how sure it is;
// the surest one becomes the report, or none does. Who is blamed needs three things: its change comes first, the graph
// of calls leads from the symptom to it, and a mechanism is seen in the evidence.
package builtin
