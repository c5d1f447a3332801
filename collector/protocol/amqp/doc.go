// Package amqp reads AMQP 0-9-1 as RabbitMQ speaks it: methods and their answers channel by channel, messages that are published (until the broker confirms
// or returns them, where it was asked to), fetched and delivered, and what the broker says when it closes a channel or a connection. The client speaks first.
// Once it has spoken the server may speak at any time, so answers are never held back for the parser: it holds back itself what comes before its request was
// told. It gives up at what is no frame of the protocol, as AMQP 1.0, which is another one.
package amqp
