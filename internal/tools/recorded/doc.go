// Package recorded is a registry whose tools answer from what was recorded, and one that records. It lets an investigation
// be run again, by another analyst, on the data of then: a replay on stored evidence, an eval on the cases of a directory.
package recorded
