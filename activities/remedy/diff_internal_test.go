package remedy

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func workload(image, password string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"template": map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{"api-token": password}},
		"spec": map[string]any{"automountServiceAccountToken": false, "containers": []any{map[string]any{
			"name": "app", "image": image, "args": []any{"serve", "--password", password, "--db-password=" + password + "\nsecond", "--verbose"},
			"env": []any{
				map[string]any{"name": "DB_PASSWORD", "value": "first\n" + password},
				map[string]any{"name": "DSN", "value": "postgres://shop:" + password + "@db/shop"},
				map[string]any{"name": "MODE", "value": "new"},
			},
		}}},
	}}}}
}

// TestDiffHidesCredentials: none is shown wherever it stands, and that it changes is, beside other changes, too.
func TestDiffHidesCredentials(t *testing.T) {
	for name, after := range map[string]*unstructured.Unstructured{
		"alone": workload("shop:1", "hunter3"), "with the image": workload("shop:2", "hunter3"),
	} {
		text, err := diff(workload("shop:1", "hunter2"), after)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "hunter") || strings.Contains(text, "second") || strings.Contains(text, "first") {
			t.Errorf("%s: a credential is shown:\n%s", name, text)
		}
		for _, changed := range []string{"- --db-password=****", "value: '**** (", "postgres://shop:****", "api-token: '****"} {
			if !strings.Contains(text, changed) {
				t.Errorf("%s: %s is not there:\n%s", name, changed, text)
			}
		}
		if removed := strings.Count("\n"+text, "\n-") + strings.Count("\n"+text, "\n+"); removed < 10 {
			t.Errorf("%s: %d lines differ, want all five credentials:\n%s", name, removed, text)
		}
	}
	if text, err := diff(workload("shop:1", "hunter2"), workload("shop:1", "hunter2")); text != "" || err != nil {
		t.Errorf("of the same: %q, %v", text, err)
	}
}
