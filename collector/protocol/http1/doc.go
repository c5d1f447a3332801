// Package http1 reads HTTP/1.0 and HTTP/1.1: keep-alive, pipelining, bodies of known length, chunked or until the
// connection closes, and interim answers. It gives up on CONNECT, on upgrades and on HTTP/2.
package http1
