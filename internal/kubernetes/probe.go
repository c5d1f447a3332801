package kubernetes

import (
	"fmt"
	"strings"
)

// String says what a probe asks: GET :8080/healthz.
func (p *Probe) String() string {
	switch {
	case p == nil:
		return "none"
	case p.HTTPGet != nil:
		return fmt.Sprintf("GET :%v%s", p.HTTPGet.Port, p.HTTPGet.Path)
	case p.TCPSocket != nil:
		return fmt.Sprintf("connect to :%v", p.TCPSocket.Port)
	case p.Exec != nil:
		return strings.Join(p.Exec.Command, " ")
	case p.GRPC != nil:
		return fmt.Sprintf("gRPC health at :%d", p.GRPC.Port)
	}
	return "nothing"
}
