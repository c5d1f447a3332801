package toolstest

import (
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// Healthy changes nothing.
func Healthy() Fault { return Fault{} }

// MissingIndex makes one statement scan its table.
func MissingIndex(n Names) Fault {
	return Fault{
		Serve: func(s *Shop, service, operation string, _ time.Time) Effect {
			if service == n.Postgres && operation == "SELECT by "+n.Column {
				return Effect{Extra: s.spread(160)}
			}
			return Effect{}
		},
		Usage: func(_ *Shop, service string, _ time.Duration, u Usage) Usage {
			if service == n.Postgres {
				u.CPU += 1.1
			} else {
				u.RunDelay += 0.02
			}
			return u
		},
	}
}

// WritesRefused makes the cache refuse writes for want of memory.
func WritesRefused(n Names) Fault {
	return Fault{Serve: func(_ *Shop, service, operation string, _ time.Time) Effect {
		if service == n.Redis && operation == "SET" {
			return Effect{Code: "OOM", Message: "OOM command not allowed when used memory > 'maxmemory'."}
		}
		return Effect{}
	}}
}

// BadDeployment is a new version of payment that fails a fifth of its requests.
func BadDeployment(n Names) Fault {
	return Fault{
		Serve: func(s *Shop, service, operation string, _ time.Time) Effect {
			if service == n.Payment && s.rng.IntN(5) == 0 {
				return Effect{Code: "500"}
			}
			return Effect{}
		},
		Every: func(s *Shop, at time.Time, since time.Duration) {
			if since < time.Second {
				s.Deploy(at, n.Payment)
			}
		},
	}
}

// Deploy reports a new executable of a service.
func (s *Shop) Deploy(at time.Time, service string) {
	s.Version[service] = "bbbbbbbbbbbb"
	s.Event(at, service, telemetry.EventExit, "exited", map[string]string{telemetry.ExitCode: "0"})
	s.Event(at, service, telemetry.EventStart, "started", nil)
	s.Event(at, service, telemetry.EventDeployment, "new executable", map[string]string{
		telemetry.ChangeKind: "executable", telemetry.ChangeBefore: "aaaaaaaaaaaa", telemetry.ChangeAfter: "bbbbbbbbbbbb",
		telemetry.ChangeFile: "/opt/shop/" + service,
	})
}

// CPUContention is a process of its own that takes both cores.
func CPUContention(n Names, hog string) Fault {
	return Fault{
		Serve: func(s *Shop, service, operation string, _ time.Time) Effect { return Effect{Extra: s.spread(18)} },
		Usage: func(_ *Shop, service string, _ time.Duration, u Usage) Usage {
			if service == "" {
				return Usage{CPU: 1.7}
			}
			u.RunDelay += 0.2
			return u
		},
		Every: func(s *Shop, at time.Time, since time.Duration) {
			if at.Unix()%5 == 0 {
				s.Process(at, hog, Usage{CPU: 1.7, RunDelay: 0.3, Memory: 5e6})
			}
		},
	}
}

// MemoryLeak makes checkout grow until the kernel kills it, every 25 seconds.
func MemoryLeak(n Names) Fault {
	const life = 25 * time.Second
	return Fault{
		Serve: func(_ *Shop, service, _ string, _ time.Time) Effect { return Effect{} },
		Usage: func(_ *Shop, service string, since time.Duration, u Usage) Usage {
			if service == n.Checkout {
				u.Memory = min(94e6, 20e6+74e6*float64(since%life)/float64(life-5*time.Second))
			}
			return u
		},
		Every: func(s *Shop, at time.Time, since time.Duration) {
			if since >= life && since%life < time.Second {
				s.Event(at, n.Checkout, telemetry.EventOOMKill, "killed at 96 MB of 96 MB", nil)
				s.Event(at, n.Checkout, telemetry.EventExit, "killed", map[string]string{telemetry.ExitSignal: "9"})
				s.Event(at.Add(1500*time.Millisecond), n.Checkout, telemetry.EventStart, "started", nil)
			}
		},
	}.downWhile(n.Checkout, func(since time.Duration) bool { return since >= life && since%life < 1500*time.Millisecond })
}

// downWhile adds that a service does not accept connections at times.
func (f Fault) downWhile(down string, when func(since time.Duration) bool) Fault {
	serve := f.Serve
	f.Serve = func(s *Shop, service, operation string, at time.Time) Effect {
		if service == down && when(at.Sub(s.FaultAt)) {
			return Effect{Down: true}
		}
		return serve(s, service, operation, at)
	}
	return f
}

// PoolExhausted makes most requests of cart wait a second for a connection and give up.
func PoolExhausted(n Names, logged bool) Fault {
	return Fault{
		Serve: func(s *Shop, service, operation string, at time.Time) Effect {
			if service != n.Cart || s.rng.IntN(10) == 0 {
				return Effect{}
			}
			if logged {
				s.Line(at, n.Cart, 17, "error", fmt.Sprintf("cart %d: connection pool timeout after 1s", s.rng.IntN(1e6)))
			}
			return Effect{Extra: time.Second, Code: "503", NoCalls: true}
		},
		Usage: func(_ *Shop, service string, _ time.Duration, u Usage) Usage {
			if service == n.Cart {
				u.Connections = 8
			}
			return u
		},
	}
}

// WrongConfiguration points checkout at a port where nobody listens.
func WrongConfiguration(n Names) Fault {
	return Fault{
		Serve: func(_ *Shop, service, operation string, _ time.Time) Effect {
			if service == n.Checkout {
				return Effect{Redirect: n.Payment, Address: "127.0.0.1:9999"}
			}
			return Effect{}
		},
		Every: func(s *Shop, at time.Time, since time.Duration) {
			if since < time.Second {
				s.Event(at.Add(-time.Second), n.Checkout, telemetry.EventDeployment, "configuration changed", map[string]string{
					telemetry.ChangeKind: "configuration", telemetry.ChangeFile: "/etc/shop/" + n.Checkout + ".yaml",
					telemetry.ChangeDetail: "-payment: http://127.0.0.1:8084\n+payment: http://127.0.0.1:9999",
				})
			}
		},
	}
}

// SlowPayment makes payment slow by itself, for no visible reason.
func SlowPayment(n Names) Fault {
	return Fault{Serve: func(_ *Shop, service, _ string, _ time.Time) Effect {
		if service == n.Payment {
			return Effect{Extra: 400 * time.Millisecond}
		}
		return Effect{}
	}}
}

// TableGone makes every statement on one table fail.
func TableGone(n Names) Fault {
	return Fault{Serve: func(_ *Shop, service, operation string, _ time.Time) Effect {
		if service == n.Postgres && operation != "INSERT orders" {
			return Effect{Code: "42P01", Message: `relation "` + n.Table + `" does not exist`}
		}
		return Effect{}
	}}
}

// PaymentDown stops payment for good.
func PaymentDown(n Names) Fault {
	return Fault{
		Serve: func(_ *Shop, service, _ string, _ time.Time) Effect { return Effect{Down: service == n.Payment} },
		Every: func(s *Shop, at time.Time, since time.Duration) {
			if since < time.Second {
				s.Event(at, n.Payment, telemetry.EventExit, "exited", map[string]string{telemetry.ExitCode: "1"})
			}
		},
	}
}

// HarmlessDeployment restarts the gateway with a new version: a second without it, then all is well.
func HarmlessDeployment(n Names) Fault {
	return Fault{
		Serve: func(_ *Shop, service, _ string, _ time.Time) Effect { return Effect{} },
		Every: func(s *Shop, at time.Time, since time.Duration) {
			if since < time.Second {
				s.Deploy(at, n.Gateway)
			}
		},
	}.downWhile(n.Gateway, func(since time.Duration) bool { return since < 1200*time.Millisecond })
}

// HarmlessWarnings is a burst of log lines that mean nothing.
func HarmlessWarnings(n Names) Fault {
	return Fault{Every: func(s *Shop, at time.Time, _ time.Duration) {
		for i := range 20 {
			s.Line(at, n.Catalog, 13, "warn", fmt.Sprintf("price feed lags by %d s, using cached prices", i))
		}
	}}
}

// With adds a second fault's events, and nothing else, to a fault: a red herring beside the real thing.
func (f Fault) With(herring Fault) Fault {
	every := f.Every
	f.Every = func(s *Shop, at time.Time, since time.Duration) {
		if every != nil {
			every(s, at, since)
		}
		herring.Every(s, at, since)
	}
	return f
}

// spread is a duration around ms milliseconds.
func (s *Shop) spread(ms float64) time.Duration {
	return time.Duration(ms * (0.6 + 0.8*s.rng.Float64()) * float64(time.Millisecond))
}
