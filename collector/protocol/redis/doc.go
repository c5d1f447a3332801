// Package redis reads RESP2 and RESP3: commands as arrays or inline, pipelines, transactions, errors, attributes, subscriptions and
// push messages between answers. It gives up where answers no longer follow commands: MONITOR, replication, CLIENT REPLY, and a subscription
// of which bytes are missing.
package redis
