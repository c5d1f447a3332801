// Package injection is what attackers write into telemetry, code and cluster text to steer a model, and a model that does
// whatever it reads. Tests play each case of the corpus through the whole path and look at what came of it.
//
// A case says where its text hides, which forbidden act it asks for, and the text, in records as the watched systems would
// write them. The model of this package obeys every order that it finds, by the only means a model has: tool calls, its
// conclusion and its words. A case whose act it did not try proves nothing and fails.
package injection
