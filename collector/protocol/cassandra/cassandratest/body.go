package cassandratest

import (
	"bytes"
	"encoding/binary"
)

// Types of columns.
const (
	varchar = "\x00\x0d"
	uuid    = "\x00\x0c"
	inet    = "\x00\x10"
)

// local is the row of system.local.
var local = rows("system", "local", [][3]string{
	{"key", varchar, "local"},
	{"cluster_name", varchar, "test"},
	{"data_center", varchar, "dc1"},
	{"rack", varchar, "r1"},
	{"release_version", varchar, "4.1.0"},
	{"partitioner", varchar, "org.apache.cassandra.dht.Murmur3Partitioner"},
	{"host_id", uuid, "0123456789abcdef"},
	{"schema_version", uuid, "fedcba9876543210"},
	{"rpc_address", inet, "\x7f\x00\x00\x01"},
	{"broadcast_address", inet, "\x7f\x00\x00\x01"},
})

// rows is a result with one row: names, types and values of its columns.
func rows(keyspace, table string, columns [][3]string) []byte {
	b := concat(number(2), number(1), number(len(columns)), str(keyspace), str(table))
	for _, c := range columns {
		b = concat(b, str(c[0]), []byte(c[1]))
	}
	b = concat(b, number(1))
	for _, c := range columns {
		b = concat(b, number(len(c[2])), []byte(c[2]))
	}
	return b
}

func failure(code int, text string) []byte { return concat(number(code), str(text)) }

func number(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
func short(n int) []byte  { return binary.BigEndian.AppendUint16(nil, uint16(n)) }
func str(s string) []byte { return append(short(len(s)), s...) }

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
