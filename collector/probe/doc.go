// Package probe attaches the programs of package bpf to the running kernel and turns what they see into typed events:
// bytes that processes exchange over TCP, what DNS says over UDP, connections that open, fail and close, processes that start, end and are
// killed for memory. It decides nothing about what the bytes mean; collector/protocol does.
package probe
