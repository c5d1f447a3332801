package ingest_test

import (
	"net/http"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/midwatch/midwatch/ingest"
	"github.com/midwatch/midwatch/ingest/otlp/otlptest"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

func TestProfilesOverTheWire(t *testing.T) {
	in := start(t, nil)
	now := pcommon.NewTimestampFromTime(time.Now())
	if _, err := pprofileotlp.NewGRPCClient(in.conn).Export(t.Context(), pprofileotlp.NewExportRequestFromProfiles(otlptest.Profiled(now))); err != nil {
		t.Fatal(err)
	}
	in.want(t, ingest.ProfileRows, ingest.ProfileWant)
	future := metadata.AppendToOutgoingContext(t.Context(), pprofileotlp.DevelopmentVersionHeader, "99")
	err := in.conn.Invoke(future, "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export", &emptypb.Empty{}, &emptypb.Empty{})
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("a version of profiles that we do not know: %v", err)
	}

	body, err := pprofileotlp.NewExportRequestFromProfiles(otlptest.Profiled(now + 1)).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	conf := in.identity(t, pki.CLI).Client(pki.Ingester)
	if resp, answer := in.post(t, conf, "/v1development/profiles", "application/x-protobuf", "", body); resp.StatusCode != http.StatusOK {
		t.Errorf("HTTP: %d %s", resp.StatusCode, answer)
	}
	in.want(t, "SELECT toString(count()) FROM profile_samples", "6")
}
