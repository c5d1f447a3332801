package privacy_test

import (
	"testing"

	"github.com/midwatch/midwatch/internal/privacy"
)

func TestMentions(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "-": false, "user-service is slow": false, "checkout-v2": false, "host-decade": false,
		"ip-7f3a9c1 is slow": true, "a-b ip-7f3a9c1": true, "ip-abc": false, "pip-tools-1": false,
	} {
		if privacy.Mentions(text) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}
