package testcluster

import (
	"context"
	"io"
	"net"
	"sync"
)

// Forwarder carries connections from the host's loopback to an address on the node's network.
type Forwarder struct {
	listener net.Listener
	node     *node
	cancel   context.CancelFunc
	wg       sync.WaitGroup
}

// Forward makes an address of the node's network (a pod's, a Service's) reachable at an address of the host's loopback until it is closed or
// this process ends.
func (c *Cluster) Forward(address string) (*Forwarder, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &Forwarder{listener: l, node: c.node, cancel: cancel}
	f.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			f.wg.Go(func() { f.carry(ctx, conn, address) })
		}
	})
	return f, nil
}

// Addr is where the address can be reached.
func (f *Forwarder) Addr() string { return f.listener.Addr().String() }

// Close ends every connection.
func (f *Forwarder) Close() {
	f.cancel()
	f.listener.Close()
	f.wg.Wait()
}

func (f *Forwarder) carry(ctx context.Context, here net.Conn, address string) {
	defer here.Close()
	there, err := f.node.dial(ctx, "tcp", address)
	if err != nil {
		return
	}
	defer there.Close()
	defer context.AfterFunc(ctx, func() { here.Close(); there.Close() })()
	var wg sync.WaitGroup
	for _, way := range []struct{ to, from net.Conn }{{here, there}, {there, here}} {
		wg.Go(func() {
			_, _ = io.Copy(way.to, way.from)
			if half, ok := way.to.(*net.TCPConn); ok {
				_ = half.CloseWrite()
			}
		})
	}
	wg.Wait()
}
