package span

import (
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// describe writes what a call's protocol has to say, under the names that OpenTelemetry has for such protocols.
func describe(a pcommon.Map, c protocol.Call) {
	switch c.Protocol {
	case protocol.HTTP:
		http(a, c)
	case protocol.GRPC:
		rpc(a, c)
	case protocol.Kafka, protocol.AMQP, protocol.NATS:
		messaging(a, c)
	case protocol.DNS:
		put(a, telemetry.DNSQuestion, c.Resource)
		put(a, telemetry.DNSResponse, c.Status)
	default:
		database(a, c)
	}
}

func http(a pcommon.Map, c protocol.Call) {
	a.PutStr(telemetry.HTTPMethod, c.Operation)
	a.PutStr(telemetry.HTTPRoute, c.Resource)
	a.PutStr(telemetry.URLPath, c.Path)
	number(a, telemetry.HTTPStatus, c.Status)
}

func rpc(a pcommon.Map, c protocol.Call) {
	a.PutStr(telemetry.RPCSystem, string(c.Protocol))
	a.PutStr(telemetry.RPCService, c.Resource)
	a.PutStr(telemetry.RPCMethod, c.Operation)
	number(a, telemetry.GRPCStatus, c.Status)
}

func messaging(a pcommon.Map, c protocol.Call) {
	a.PutStr(telemetry.MessagingSystem, string(c.Protocol))
	a.PutStr(telemetry.MessagingAction, c.Operation)
	put(a, telemetry.MessagingTarget, c.Resource)
	put(a, telemetry.MessagingHost, c.Namespace)
	if c.Messages > 0 {
		a.PutInt(telemetry.MessagingCount, int64(c.Messages))
	}
}

func database(a pcommon.Map, c protocol.Call) {
	a.PutStr(telemetry.DBSystem, string(c.Protocol))
	a.PutStr(telemetry.DBOperation, c.Operation)
	put(a, telemetry.DBQueryText, c.Query)
	put(a, telemetry.DBNamespace, c.Namespace)
	put(a, telemetry.DBStatus, c.Status)
	put(a, telemetry.DBCollection, c.Resource)
	put(a, telemetry.DBQuerySummary, c.Summary)
}

func put(a pcommon.Map, key, value string) {
	if value != "" {
		a.PutStr(key, value)
	}
}

// number writes a code, if there was one.
func number(a pcommon.Map, key, code string) {
	if n, err := strconv.Atoi(code); err == nil {
		a.PutInt(key, int64(n))
	}
}
