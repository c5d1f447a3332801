// Package rig runs what the ingest and query benches compare: the embedded store, and before it Midwatch's ingester or the peer
// (bench/peer), each a process of its own on loopback with mutual TLS, and says what each took of CPU, memory and disk.
package rig
