package native

import (
	"slices"
	"strconv"
	"strings"
)

// Limits on a type's text, which decides how deep the walk recurses.
const (
	maxTypeText  = 64 << 10
	maxTypeDepth = 64
	maxVariants  = 255
)

// kind is how a column of a type is laid out.
type kind int

const (
	fixed kind = iota // size bytes per value
	str
	array // also Map: offsets, then the elements
	tuple
	nullable
	lowCardinality
	variant
	dynamic
	object // JSON
)

// typ is a parsed type. version remembers what the prefix said about the data that follows it.
type typ struct {
	kind    kind
	size    int
	args    []*typ
	version uint64
}

var sizes = map[string]int{
	"UInt8": 1, "UInt16": 2, "UInt32": 4, "UInt64": 8, "UInt128": 16, "UInt256": 32,
	"Int8": 1, "Int16": 2, "Int32": 4, "Int64": 8, "Int128": 16, "Int256": 32,
	"Float32": 4, "Float64": 8, "BFloat16": 2, "Bool": 1, "Nothing": 1,
	"Date": 2, "Date32": 4, "DateTime": 4, "DateTime64": 8, "Time": 4, "Time64": 8,
	"UUID": 16, "IPv4": 4, "IPv6": 16, "Enum8": 1, "Enum16": 2, "Point": 16,
	"Decimal32": 4, "Decimal64": 8, "Decimal128": 16, "Decimal256": 32,
}

var aliases = map[string]string{
	"Ring": "Array(Point)", "LineString": "Array(Point)", "Polygon": "Array(Array(Point))",
	"MultiLineString": "Array(Array(Point))", "MultiPolygon": "Array(Array(Array(Point)))",
}

// parse reads a type's text.
func parse(s string) *typ {
	if len(s) > maxTypeText {
		malformed("a type of %d characters", len(s))
	}
	return parseAt(s, 0)
}

func parseAt(s string, depth int) *typ {
	if depth > maxTypeDepth {
		malformed("a type nested deeper than %d", maxTypeDepth)
	}
	name, rest, _ := strings.Cut(s, "(")
	if a, ok := aliases[name]; ok {
		return parseAt(a, depth)
	}
	if size, ok := sizes[name]; ok {
		return &typ{size: size}
	}
	args := split(strings.TrimSuffix(rest, ")"))
	switch name {
	case "String":
		return &typ{kind: str}
	case "FixedString":
		return &typ{size: argument(s, args, 1<<20)}
	case "Decimal":
		return &typ{size: decimalSize(argument(s, args, 76))}
	case "SimpleAggregateFunction":
		if len(args) < 2 {
			malformed("type %.100s", s)
		}
		return parseAt(args[len(args)-1], depth+1)
	case "Array":
		return &typ{kind: array, args: parseAll(s, args, 1, depth)}
	case "Map":
		return &typ{kind: array, args: parseAll(s, args, 2, depth)}
	case "Nullable":
		return &typ{kind: nullable, args: parseAll(s, args, 1, depth)}
	case "LowCardinality":
		return &typ{kind: lowCardinality, args: parseAll(s, args, 1, depth)}
	case "Variant":
		return newVariant(parseAll(s, args, len(args), depth))
	case "Tuple":
		return &typ{kind: tuple, args: parseAll(s, unnamed(args), len(args), depth)}
	case "Nested":
		return &typ{kind: array, args: []*typ{{kind: tuple, args: parseAll(s, unnamed(args), len(args), depth)}}}
	case "Dynamic":
		return &typ{kind: dynamic}
	case "JSON":
		paths := typedPaths(args)
		return &typ{kind: object, args: parseAll(s, unnamed(paths), len(paths), depth)}
	}
	if strings.HasPrefix(name, "Interval") {
		return &typ{size: 8}
	}
	malformed("columns of type %.100s cannot be sent", s)
	return nil
}

func newVariant(args []*typ) *typ {
	if len(args) > maxVariants {
		malformed("a variant of %d types", len(args))
	}
	return &typ{kind: variant, args: args}
}

// parseAll parses the arguments of s, of which there must be want.
func parseAll(s string, args []string, want, depth int) (out []*typ) {
	if len(args) != want {
		malformed("type %.100s", s)
	}
	for _, a := range args {
		out = append(out, parseAt(a, depth+1))
	}
	return out
}

// argument is the first argument of s, a number in 1..most.
func argument(s string, args []string, most int) int {
	if len(args) > 0 {
		if n, err := strconv.Atoi(args[0]); err == nil && n >= 1 && n <= most {
			return n
		}
	}
	malformed("type %.100s", s)
	return 0
}

func decimalSize(precision int) int {
	switch {
	case precision <= 9:
		return 4
	case precision <= 18:
		return 8
	case precision <= 38:
		return 16
	}
	return 32
}

// typedPaths are those arguments of JSON(…) that have a column of their own, in the order of their columns.
func typedPaths(args []string) (paths []string) {
	for _, a := range args {
		if !strings.Contains(a, "=") && !strings.HasPrefix(a, "SKIP ") {
			paths = append(paths, a)
		}
	}
	slices.Sort(paths)
	return paths
}
