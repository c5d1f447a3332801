package recording_test

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/midwatch/midwatch/collector/recording"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// A recording shows in the installation it is played into, whatever the environment was called where it was made.
func TestInAnotherEnvironment(t *testing.T) {
	var got sink
	to := recording.In("prod", &got)
	must(t, to.Traces(t.Context(), spans(1, pcommon.TraceID{1})))
	must(t, to.Metrics(t.Context(), gauge(1, time.Now())))
	must(t, to.Logs(t.Context(), line("hello", pcommon.TraceID{1}, time.Now())))
	for name, resource := range map[string]pcommon.Resource{
		"traces": got.traces[0].ResourceSpans().At(0).Resource(), "metrics": got.metrics[0].ResourceMetrics().At(0).Resource(),
		"logs": got.logs[0].ResourceLogs().At(0).Resource(),
	} {
		if v, _ := resource.Attributes().Get(telemetry.Environment); v.Str() != "prod" {
			t.Errorf("%s are of environment %q", name, v.Str())
		}
	}
}
