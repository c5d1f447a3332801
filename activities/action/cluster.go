package action

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/midwatch/midwatch/internal/investigation"
)

// objectName is a DNS subdomain, as names of Kubernetes objects are.
var objectName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

// maxCount bounds replicas and revisions.
const maxCount = 10000

// fitsCluster checks the types of parameters that remedies have.
func fitsCluster(p investigation.Parameter, value string) error {
	switch p.Type {
	case investigation.WorkloadParameter:
		return fitsWorkload(p, value)
	case investigation.NodeParameter, investigation.NameParameter:
		if !objectName.MatchString(value) {
			return fmt.Errorf("%q is not the name of a Kubernetes object", value)
		}
	case investigation.CountParameter:
		if n, err := strconv.Atoi(value); err != nil || n < 0 || n > maxCount || strconv.Itoa(n) != value {
			return fmt.Errorf("%q is no whole number from 0 to %d", value, maxCount)
		}
	case investigation.QuantityParameter:
		if q, err := resource.ParseQuantity(value); err != nil || q.Sign() <= 0 {
			return fmt.Errorf("%q is no quantity such as 512Mi or 250m", value)
		}
	default:
		return fmt.Errorf("unknown type %q", p.Type)
	}
	return nil
}

func fitsWorkload(p investigation.Parameter, value string) error {
	parts := strings.Split(value, "/")
	if len(parts) != 3 || !objectName.MatchString(parts[0]) || !objectName.MatchString(parts[1]) || !objectName.MatchString(parts[2]) {
		return fmt.Errorf("%q is not namespace/kind/name", value)
	}
	if len(p.Allowed) > 0 && !slices.Contains(p.Allowed, parts[0]) {
		return fmt.Errorf("workloads of namespace %s may not be changed", parts[0])
	}
	return nil
}
