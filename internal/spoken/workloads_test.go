package spoken_test

import (
	"slices"
	"testing"

	"github.com/midwatch/midwatch/internal/spoken"
)

func TestWorkloads(t *testing.T) {
	for question, want := range map[string]spoken.Workload{
		"What is wrong with the load deployment?":          {Kind: "Deployment", Name: "load"},
		"why does deployment/back in shop restart?":        {Kind: "Deployment", Namespace: "shop", Name: "back"},
		"is back.shop well":                                {Namespace: "shop", Name: "back"},
		"Is back.shop.svc.cluster.local slow?":             {Namespace: "shop", Name: "back"},
		"What about shop/back?":                            {Namespace: "shop", Name: "back"},
		"the pods of back in namespace shop are not ready": {Namespace: "shop", Name: "back"},
		"sts/db":                             {Kind: "StatefulSet", Name: "db"},
		"Why is the statefulset `db` stuck?": {Kind: "StatefulSet", Name: "db"},
		"Did somebody change back in the shop namespace today?": {Namespace: "shop", Name: "back"},
	} {
		if got := spoken.Workloads(question); !slices.Contains(got, want) {
			t.Errorf("%q: %+v, want %+v among them", question, got, want)
		}
	}
	if got := spoken.Workloads("why is checkout slow since 03:12?"); len(got) > 0 {
		t.Errorf("a question about no workload: %+v", got)
	}
}
