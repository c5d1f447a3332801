package conversation_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/midwatch/midwatch/collector/protocol"
)

// grpcEvery is after how many calls one fails, and one has more to say than is copied.
const grpcEvery = 10

// grpcServer answers shop.Cart/Get with what it was sent, as many times; every tenth call fails.
func grpcServer([]string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{ServiceName: "shop.Cart", Methods: []grpc.MethodDesc{{MethodName: "Get", Handler: grpcGet}}}, nil)
	return server.Serve(l)
}

func grpcGet(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var in wrapperspb.Int64Value
	if err := decode(&in); err != nil {
		return nil, err
	}
	switch in.Value % grpcEvery {
	case 0:
		return nil, status.Errorf(codes.NotFound, "no cart %d", in.Value)
	case 1:
		return wrapperspb.String(strings.Repeat("x", 60_000)), nil
	}
	return wrapperspb.String("secret"), nil
}

// grpcClient makes n calls on one connection, one after the other, each of a trace of its own.
func grpcClient(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	c, err := grpc.NewClient(args[0], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	for i := range n {
		ctx := metadata.AppendToOutgoingContext(context.Background(), "traceparent", fmt.Sprintf("00-%032x-%016x-01", i+1, i+1))
		err := c.Invoke(ctx, "/shop.Cart/Get", wrapperspb.Int64(int64(i)), new(wrapperspb.StringValue))
		if failed := i%grpcEvery == 0; failed != (status.Code(err) == codes.NotFound) || !failed && err != nil {
			return errors.Join(err, c.Close())
		}
	}
	return c.Close()
}

func TestKernelGRPC(t *testing.T) {
	r := watch(t)
	const n = 500
	addr := serve(t, helper("grpc-server"))
	run(t, helper("grpc-client", addr.String(), strconv.Itoa(n)))
	for end, calls := range r.both(t, addr.Port(), n, func(seen) bool { return true }) {
		for i, c := range calls {
			want := protocol.Call{Status: "0"}
			if i%grpcEvery == 0 {
				want = protocol.Call{Status: "5", Failed: true, ErrorType: "NOT_FOUND", Error: "no cart ?"}
			}
			if c.Protocol != protocol.GRPC || c.Summary != "shop.Cart/Get" || c.TraceParent != fmt.Sprintf("00-%032x-%016x-01", i+1, i+1) ||
				c.Status != want.Status || c.Failed != want.Failed || c.ErrorType != want.ErrorType || c.Error != want.Error {
				t.Fatalf("%s, %d: %+v", end, i, c.Call)
			}
			if large := c.ResponseBytes > 60_000; large != (i%grpcEvery == 1) || c.Duration <= 0 || c.FirstByte <= 0 {
				t.Errorf("%s, %d: %+v", end, i, c.Call)
			}
		}
	}
}
