// Package nats reads the text protocol between NATS clients and servers: messages that are published and delivered, requests and their replies, JetStream. The
// server speaks first (INFO), which nobody waits for; the client's first bytes are CONNECT. From then on the server may speak at any time, so that nothing is
// held back for the parser: it holds back itself a reply that comes before the request that it answers.
//
// A message that names a subject for the reply is a request: it lasts until a message comes on that subject. One that the client publishes without is sent, one
// of the server's is delivered. A delivered message that wants a reply lasts until the client publishes it, or acknowledges it (JetStream); the reply is no call
// of its own. So a request counts once where it is asked and once where it is served, and at the server once on the connection of each.
//
// It gives up on what servers tell each other (routes, leaf nodes). TLS and WebSocket are never recognised.
package nats
