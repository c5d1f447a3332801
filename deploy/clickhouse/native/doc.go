// Package native walks blocks of ClickHouse's Native format without interpreting their values. The walk finds where
// each column ends, so that a block can be copied between the wire (a serialization flag per column) and the bare
// format that the engine reads and writes. What it reads comes from the network: it never trusts a length.
package native
