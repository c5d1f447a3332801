package check

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"go.starlark.net/starlark"
)

// functions are what an expression may call besides Starlark's own (any, all, len, min, max, sorted, abs …).
var functions = starlark.StringDict{
	"sum":    starlark.NewBuiltin("sum", sum),
	"median": starlark.NewBuiltin("median", median),
	"round":  starlark.NewBuiltin("round", round),
	"first":  starlark.NewBuiltin("first", first),
}

var errNoElement = errors.New("the list is empty")

// floats reads the one argument of f as a list of numbers.
func floats(f *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) ([]float64, error) {
	var list starlark.Iterable
	if err := starlark.UnpackPositionalArgs(f.Name(), args, kwargs, 1, &list); err != nil {
		return nil, err
	}
	it := list.Iterate()
	defer it.Done()
	var out []float64
	for v := starlark.Value(nil); it.Next(&v); {
		x, ok := starlark.AsFloat(v)
		if !ok {
			return nil, fmt.Errorf("%s: got a %s, want numbers", f.Name(), v.Type())
		}
		out = append(out, x)
	}
	return out, nil
}

// sum adds a list of numbers; of an empty list it is 0.
func sum(_ *starlark.Thread, f *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	xs, err := floats(f, args, kwargs)
	if err != nil {
		return nil, err
	}
	total := 0.0
	for _, x := range xs {
		total += x
	}
	return starlark.Float(total), nil
}

// median is the middle of a list of numbers, the mean of the two middles of an even one.
func median(_ *starlark.Thread, f *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	xs, err := floats(f, args, kwargs)
	if err != nil {
		return nil, err
	}
	if len(xs) == 0 {
		return nil, fmt.Errorf("median: %w", errNoElement)
	}
	slices.Sort(xs)
	mid := len(xs) / 2
	if len(xs)%2 == 1 {
		return starlark.Float(xs[mid]), nil
	}
	return starlark.Float((xs[mid-1] + xs[mid]) / 2), nil
}

// round(x, digits=0) rounds half away from zero.
func round(_ *starlark.Thread, f *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var v starlark.Value
	var digits int
	if err := starlark.UnpackArgs(f.Name(), args, kwargs, "x", &v, "digits?", &digits); err != nil {
		return nil, err
	}
	x, ok := starlark.AsFloat(v)
	if !ok || digits < 0 || digits > 15 {
		return nil, fmt.Errorf("round: want a number and 0 to 15 digits")
	}
	scale := math.Pow10(digits)
	return starlark.Float(math.Round(x*scale) / scale), nil
}

// first is the first element of a list.
func first(_ *starlark.Thread, f *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var list starlark.Iterable
	if err := starlark.UnpackPositionalArgs(f.Name(), args, kwargs, 1, &list); err != nil {
		return nil, err
	}
	it := list.Iterate()
	defer it.Done()
	var v starlark.Value
	if !it.Next(&v) {
		return nil, fmt.Errorf("first: %w", errNoElement)
	}
	return v, nil
}
