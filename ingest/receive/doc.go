// Package receive takes requests over the network: OTLP over gRPC and HTTP (grpc.go, http.go) and Prometheus remote write (remote.go), of senders that
// may send (sender.go), as fast as they may (pace.go) and as far as there are places and memory (places.go, memory.go, receive.go). What becomes of a
// request is somebody else's business, who is given it whole (request.go); its sender is told in its own protocol (answer.go).
package receive
