// Package redis reads RESP2 and RESP3: commands as arrays or inline, pipelines, transactions, errors, attributes and
// push messages between answers. It gives up where answers no longer follow commands: subscriptions, MONITOR,
// replication, CLIENT REPLY.
package redis
