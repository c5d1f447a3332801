// Package cassandra reads Cassandra's native protocol, versions 3, 4 and 5: QUERY, EXECUTE and BATCH and their answers, paired by stream. What was
// prepared is remembered by its id, for all connections where the id proves to be the hash of the text. Bodies compressed by LZ4 or Snappy are read
// when all of them was copied. Version 5 sends its envelopes in segments with a checksum, LZ4 or not, once STARTUP was answered.
package cassandra
