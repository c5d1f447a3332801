package receive

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/midwatch/midwatch/internal/rules"
)

// teller is what the service of rules calls.
type teller interface {
	askedByPart(context.Context) error
	ruleStates(context.Context) ([]byte, error)
}

// rulesService answers exporters, which tell the cluster what became of its AlertRules. It is a stream for the reason that service is.
func rulesService() *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: rules.StatesService, HandlerType: (*teller)(nil),
		Streams: []grpc.StreamDesc{{StreamName: rules.StatesMethod, ClientStreams: true, Handler: func(srv any, stream grpc.ServerStream) error {
			if err := srv.(teller).askedByPart(stream.Context()); err != nil { // RegisterService checked the type
				return err
			}
			var none raw
			if err := stream.RecvMsg(&none); err != nil {
				return err
			}
			told, err := srv.(teller).ruleStates(stream.Context())
			if err != nil {
				return status.Error(codes.Unavailable, "what became of the alert rules cannot be read now")
			}
			answer, err := proto.Marshal(wrapperspb.Bytes(told))
			if err != nil {
				return err
			}
			return stream.SendMsg((*raw)(&answer))
		}}},
	}
}

// askedByPart refuses who only sends: what rules there are is told to parts of the installation.
func (s overGRPC) askedByPart(ctx context.Context) error {
	from, err := s.whoCalls(ctx)
	if err != nil {
		return statusOf(err).Err()
	}
	if !from.part() {
		return status.Error(codes.PermissionDenied, "the token of a sender may only send")
	}
	return nil
}

func (s *Server) ruleStates(ctx context.Context) ([]byte, error) {
	told, err := s.cfg.RuleStates(ctx)
	if err != nil && ctx.Err() == nil {
		s.cfg.Log.WarnContext(ctx, "read what became of the alert rules", "error", err)
	}
	return told, err
}
