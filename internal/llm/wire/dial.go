package wire

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// call is the key of a call's context among the values of the context that a transport dials with.
type call struct{}

// within bounds connecting, and again the handshake.
const within = 10 * time.Second

// forCall returns a context that ends with the call. The transport's own does not: it would go on connecting after a call was given up, so that
// another one finds a connection, and would reach a provider after it was switched off.
func forCall(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, within)
	given, ok := ctx.Value(call{}).(context.Context)
	if !ok {
		return ctx, cancel
	}
	stop := context.AfterFunc(given, cancel)
	return ctx, func() { stop(); cancel() }
}

// dial connects.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := forCall(ctx)
	defer cancel()
	return new(net.Dialer).DialContext(ctx, network, address)
}

// dialTLS connects and makes sure of who answers.
func dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := forCall(ctx)
	defer cancel()
	secured := tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host})
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secured, nil
}
