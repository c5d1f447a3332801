package promql

import (
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// maxReach is how far before its moment an expression may look: ranges, subqueries and offsets together.
const maxReach = 24 * time.Hour

// Check says what is wrong with an expression whose every result shall be a condition that holds: it has to be a vector or a number, and
// may not look further back than a day. Errors wrap ErrExpression.
func Check(expression string) error {
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	if err != nil {
		return fmt.Errorf("%w: at %w", ErrExpression, err)
	}
	if t := parsed.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeScalar {
		return fmt.Errorf("%w: it is a %s; want a vector or a number, such as rate(…[2m]) > 1", ErrExpression, parser.DocumentedType(t))
	}
	if reach := farthest(parsed); reach > maxReach {
		return fmt.Errorf("%w: it looks %s back; want at most %s", ErrExpression, reach, maxReach)
	}
	return nil
}

// farthest is how far before its moment an expression looks.
func farthest(expr parser.Expr) (reach time.Duration) {
	parser.Inspect(expr, func(n parser.Node, path []parser.Node) error {
		reach = max(reach, reachOf(slices.Concat(path, []parser.Node{n})))
		return nil
	})
	return reach
}

// reachOf is how far before its moment the innermost of nested nodes looks.
func reachOf(path []parser.Node) time.Duration {
	var reach time.Duration
	for _, n := range path {
		switch n := n.(type) {
		case *parser.SubqueryExpr:
			reach += n.Range + max(0, n.OriginalOffset)
		case *parser.MatrixSelector:
			reach += n.Range
		case *parser.VectorSelector:
			reach += max(0, n.OriginalOffset)
		}
	}
	return reach
}

// Threshold is the number that an expression compares with, if that is the last thing it does.
func Threshold(expression string) (value float64, ok bool) {
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	if err != nil {
		return 0, false
	}
	comparison, is := bare(parsed).(*parser.BinaryExpr)
	if !is || !comparison.Op.IsComparisonOperator() {
		return 0, false
	}
	number, is := bare(comparison.RHS).(*parser.NumberLiteral)
	if !is {
		return 0, false
	}
	return number.Val, true
}

func bare(e parser.Expr) parser.Expr {
	for {
		inner, is := e.(*parser.ParenExpr)
		if !is {
			return e
		}
		e = inner.Expr
	}
}
