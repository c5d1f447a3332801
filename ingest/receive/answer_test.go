package receive

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestNobodyIsToldWhatTheStoreSaid of rows that may be others', in no protocol.
func TestNobodyIsToldWhatTheStoreSaid(t *testing.T) {
	err := fmt.Errorf("%w: 10.0.0.7: row of another", ErrStore)
	over, asJSON, remote := statusOf(err), httptest.NewRecorder(), httptest.NewRecorder()
	refuse(asJSON, typeJSON, err)
	refuseRemote(remote, err)
	for protocol, told := range map[string]string{"gRPC": over.Message(), "HTTP": asJSON.Body.String(), "remote write": remote.Body.String()} {
		if !strings.Contains(told, ErrStore.Error()) || strings.Contains(told, "another") {
			t.Errorf("over %s: %s", protocol, told)
		}
	}
}
