package ingest

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
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

// rulesService answers exporters, which tell the cluster what became of its AlertRules.
func rulesService() *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: rules.StatesService, HandlerType: (*teller)(nil),
		Methods: []grpc.MethodDesc{{MethodName: rules.StatesMethod, Handler: func(srv any, ctx context.Context, read func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			if err := srv.(teller).askedByPart(ctx); err != nil {
				return nil, err
			}
			var none raw
			if err := read(&none); err != nil {
				return nil, err
			}
			told, err := srv.(teller).ruleStates(ctx) // RegisterService checked the type
			if err != nil {
				return nil, status.Error(codes.Unavailable, "what became of the alert rules cannot be read now")
			}
			b, err := proto.Marshal(wrapperspb.Bytes(told))
			answer := raw(b)
			return &answer, err
		}}},
	}
}

// askedByPart refuses who only sends: what rules there are is told to parts of the installation.
func (s *Server) askedByPart(ctx context.Context) error {
	md, _ := metadata.FromIncomingContext(ctx)
	from, err := s.senders.who(connection(ctx), first(md.Get("authorization")))
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
