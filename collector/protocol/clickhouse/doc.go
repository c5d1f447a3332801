// Package clickhouse reads ClickHouse's native protocol. A connection answers one query at a time. Packets of the server are followed as far as
// their lengths can be told: those of blocks of common types, and of compressed ones. Behind anything else a query ends where the packets that end
// one end a transfer, or before the client asks for the next one. Chunked packets are not read.
package clickhouse
