package engine

import "unsafe"

// Param is one {name:Type} parameter, its value in ClickHouse's escaped text form.
type Param struct{ Name, Value string }

// paramArrays holds parameters as C wants them: four arrays of one length.
type paramArrays struct {
	names, values       []ptr
	nameLens, valueLens []uintptr
}

func arrays(params []Param) (a paramArrays) {
	for _, p := range params {
		a.names, a.nameLens = append(a.names, text(p.Name)), append(a.nameLens, uintptr(len(p.Name)))
		a.values, a.valueLens = append(a.values, text(p.Value)), append(a.valueLens, uintptr(len(p.Value)))
	}
	return a
}

// text points to the bytes of s; never nil, because the engine reads nil as "not given".
func text(s string) ptr {
	if s == "" {
		s = "\x00"
	}
	return ptr(unsafe.StringData(s))
}

func first[T any](s []T) ptr { return ptr(unsafe.SliceData(s)) }
