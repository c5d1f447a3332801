package probe

import (
	"errors"
	"testing"
)

// TestFallback attaches the raw tracepoints that stand in where single system calls have none.
func TestFallback(t *testing.T) {
	a, err := open()
	if errors.Is(err, ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if _, err := a.attach(rawSyscalls()); err != nil {
		t.Error(err)
	}
	missing := hookSpec{"syscalls/none", []point{{"syscalls", "sys_enter_none", "enter_read"}}}
	if _, err := a.attach(missing); err == nil {
		t.Error("a tracepoint that does not exist was attached")
	}
}
