package clickhouse

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// Bounds of blocks of which the length is told.
const (
	maxColumns = 256
	maxRows    = 1 << 20
)

// block passes over a block that is not compressed. One with a column whose length cannot be told by its type is bad.
func block(r *reader, revision int) {
	blockInfo(r)
	columns, rows := r.varint(), r.varint()
	if columns > maxColumns || rows > maxRows {
		r.bad = true
	}
	for ; columns > 0 && r.ok(); columns-- {
		r.string()
		kind := string(r.string())
		if revision >= revSerialization && r.byte() != 0 {
			r.bad = true
		}
		if rows > 0 {
			column(r, kind, int(rows))
		}
	}
}

// blockInfo passes over numbered fields.
func blockInfo(r *reader) {
	for r.ok() {
		switch r.varint() {
		case 0:
			return
		case 1:
			r.flag()
		case 2:
			r.take(4)
		default:
			r.bad = true
		}
	}
}

func column(r *reader, kind string, rows int) {
	if inner, ok := strings.CutPrefix(kind, "Nullable("); ok {
		r.take(rows)
		kind = strings.TrimSuffix(inner, ")")
	}
	if kind == "String" {
		for ; rows > 0 && r.ok(); rows-- {
			r.string()
		}
		return
	}
	size := width(kind)
	if size == 0 && r.ok() {
		r.bad = true
	}
	r.take(size * rows)
}

// width is how many bytes a value of a type takes, 0 if that varies or is not known.
func width(kind string) int {
	name, arguments, _ := strings.Cut(kind, "(")
	switch name {
	case "UInt8", "Int8", "Bool", "Enum8":
		return 1
	case "UInt16", "Int16", "Date", "Enum16":
		return 2
	case "UInt32", "Int32", "Float32", "Date32", "DateTime", "IPv4", "Decimal32":
		return 4
	case "UInt64", "Int64", "Float64", "DateTime64", "Decimal64":
		return 8
	case "UInt128", "Int128", "UUID", "IPv6", "Decimal128":
		return 16
	case "UInt256", "Int256", "Decimal256":
		return 32
	case "FixedString":
		n, err := strconv.Atoi(strings.TrimSuffix(arguments, ")"))
		if err != nil || n < 0 || n > maxRows {
			return 0
		}
		return n
	}
	return 0
}

// The head of a compressed frame: a checksum, a method, its size with method and sizes, its size inflated.
const (
	frameChecksum = 16
	frameHead     = frameChecksum + 9
	maxFrame      = 1 << 30
)

// frame is how long the frame is that b, at least a head long, begins with; 0 if that is none.
func frame(b []byte) int64 {
	method, size, inflated := b[frameChecksum], binary.LittleEndian.Uint32(b[17:]), binary.LittleEndian.Uint32(b[21:])
	if method != 0x82 && method != 0x90 && method != 0x02 || size < 9 || size > maxFrame || inflated == 0 || inflated > maxFrame {
		return 0
	}
	return frameChecksum + int64(size)
}
