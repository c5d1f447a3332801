// Package http2 reads HTTP/2 without TLS (prior knowledge) and gRPC over it. A call is one stream: frames say whose they are, so that streams may be interleaved
// and answered in any order, and an answer that is read before its request was noted finds it.
//
// Headers are compressed with a table that both ends build as they talk (HPACK), the table of a connection met half-way is not known, and neither is one after
// header bytes that nobody copied. An index counts from the newest entry back, whatever was evicted at the other end: so the table is filled with entries
// that stand for "unknown", real ones are learned as they are inserted, and a field that refers to an unknown one has no value. Nothing is guessed:
//
//   - a request whose method or path is not known gives no call;
//   - neither does one of which it is not known whether it is gRPC, unless its answer says so;
//   - nor an answer of HTTP without a known status, nor one of gRPC that may be an error (no message came, and its status is not known). A call of gRPC that was
//     answered with a message has no status while its trailers are unknown.
//
// Bytes that are missing from DATA cost nothing. Where they hide where a frame begins, the direction is found again at a transfer that is a chain of
// frames; streams that were open then are told only if their end is seen. Headers may have been among them, so the table is not known either, until what comes
// next proves that there were none: the next request has the next id, the answer goes on that was the only one, or gRPC refers to the one content-type that the
// table has. Where nothing does, what refers to the table as it was stays unknown until the connection ends.
//
// Not understood: the Upgrade from HTTP/1.1, tunnels (CONNECT), pushed streams, the status of grpc-web, which stands in its body.
package http2
