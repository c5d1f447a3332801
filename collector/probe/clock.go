package probe

import (
	"time"

	"golang.org/x/sys/unix"
)

// clockRefresh bounds how long a step of the wall clock (NTP, an admin) goes unnoticed.
const clockRefresh = 5 * time.Second

// ticksPerSecond is USER_HZ, the unit of /proc/PID/stat on every architecture Midwatch builds for.
const ticksPerSecond = 100

// clock converts the kernel's monotonic time to wall time. Not safe for concurrent use.
type clock struct {
	offset int64 // wall minus monotonic, ns
	next   int64 // monotonic ns at which offset is measured again
}

func (c *clock) wall(monotonic uint64) time.Time {
	if int64(monotonic) >= c.next {
		c.measure()
	}
	return time.Unix(0, int64(monotonic)+c.offset)
}

func (c *clock) measure() {
	var mono unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono); err != nil {
		return
	}
	c.offset = time.Now().UnixNano() - mono.Nano()
	c.next = mono.Nano() + int64(clockRefresh)
}

// monotonic is the kernel's time now, in ns.
func monotonic() uint64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 1 // it exists on every kernel; everything is let through
	}
	return uint64(now.Nano())
}

// ticks converts nanoseconds since boot to the unit of /proc/PID/stat.
func ticks(ns uint64) uint64 { return ns / uint64(time.Second/ticksPerSecond) }
