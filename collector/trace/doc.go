// Package trace says of each call which trace it is part of, and below which other: on proof alone, see docs/traces.md.
package trace
