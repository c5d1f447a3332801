package gvisor

// WithoutSeccomp leaves the filter of system calls out, to see what stands behind it.
func (e *Engine) WithoutSeccomp() *Engine {
	e.profiled = false
	return e
}
