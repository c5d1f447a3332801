package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/kubernetes"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// The slices of a Service, and the pods that they name.
const (
	slicesOfService = `kind = 'EndpointSlice' AND namespace = {namespace:String}`
	ofService       = ` AND JSONExtractString(object, 'metadata', 'labels', 'kubernetes.io/service-name') = {name:String} LIMIT 1 BY uid LIMIT 100`
	podsNamed       = `kind = 'Pod' AND namespace = {namespace:String} AND has({names:Array(String)}, name)`
)

type servicePodsArguments struct {
	moment
	Namespace string `json:"namespace"`
	Service   string `json:"service"`
}

func (a servicePodsArguments) validate() error {
	if strings.TrimSpace(a.Namespace) == "" || strings.TrimSpace(a.Service) == "" {
		return fmt.Errorf("%w: namespace and service are required", ErrArguments)
	}
	return a.moment.validate()
}

func (r reader) servicePods() Tool {
	return Tool{
		Name:        "service_pods",
		Description: "The pods behind a Kubernetes Service at a moment, now or in the past, as its EndpointSlices told: which got requests, which did not, and how each pod did.",
		Schema: momentSchema(map[string]any{
			"namespace": text("namespace of the Service"),
			"service":   text("name of the Service"),
		}, "namespace", "service"),
		DataTypes: []investigation.DataType{investigation.Cluster},
		Cost:      1,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[servicePodsArguments](arguments)
			if err != nil {
				return Result{}, err
			}
			rows, text, err := query[objectRow](ctx, r.db, heldSQL(slicesOfService)+ofService,
				append(in(scope, a.window()), param{"namespace", a.Namespace}, param{"name", a.Service}))
			if err != nil {
				return Result{}, err
			}
			out := result.ServicePods{At: a.At.UTC(), Pods: []result.ServicePod{}}
			for _, row := range rows {
				out.Pods = append(out.Pods, podsOfSlice(row)...)
			}
			if err := r.describePods(ctx, scope, a, &out); err != nil {
				return Result{}, err
			}
			slices.SortStableFunc(out.Pods, func(a, b result.ServicePod) int {
				return cmp.Or(cmp.Compare(serving(a), serving(b)), cmp.Compare(a.Name, b.Name), slices.Compare(a.Addresses, b.Addresses))
			})
			if out.Reach, err = r.reach(ctx, scope, a.At); err != nil {
				return Result{}, err
			}
			out.NotReady = len(out.Pods) - out.Ready
			out.Pods = out.Pods[:min(len(out.Pods), maxObjects)]
			return Result{
				Summary: fmt.Sprintf("%d pods behind %s/%s at %s, %d of them ready%s", out.Ready+out.NotReady, a.Namespace, a.Service, a.At.UTC().Format("15:04:05"), out.Ready,
					reservation(out.Reach)),
				Query: text, Window: investigation.Window{From: a.At, To: a.At}, Data: out,
			}, nil
		},
		Control: controlMoment,
	}
}

func serving(p result.ServicePod) int {
	if p.Ready {
		return 1
	}
	return 0
}

// podsOfSlice are the endpoints of one slice.
func podsOfSlice(row objectRow) []result.ServicePod {
	var slice struct {
		Endpoints []struct {
			Addresses  []string `json:"addresses"`
			NodeName   string   `json:"nodeName"`
			Conditions struct {
				Ready       *bool `json:"ready"`
				Terminating bool  `json:"terminating"`
			} `json:"conditions"`
			TargetRef struct {
				Kind, Namespace, Name string
			} `json:"targetRef"`
		} `json:"endpoints"`
		Ports []struct {
			Name     string `json:"name"`
			Port     int    `json:"port"`
			Protocol string `json:"protocol"`
		} `json:"ports"`
	}
	if json.Unmarshal([]byte(row.Object), &slice) != nil {
		return nil
	}
	ports := []string{}
	for _, p := range slice.Ports {
		ports = append(ports, strings.TrimPrefix(fmt.Sprintf("%s:%d/%s", p.Name, p.Port, p.Protocol), ":"))
	}
	var out []result.ServicePod
	for _, e := range slice.Endpoints {
		p := result.ServicePod{
			Namespace: row.Namespace, Addresses: append([]string{}, e.Addresses...), Ports: ports, Node: e.NodeName, Terminating: e.Conditions.Terminating,
			Ready: e.Conditions.Ready == nil || *e.Conditions.Ready, // not said means yes
		}
		if e.TargetRef.Kind == "Pod" {
			p.Name = e.TargetRef.Name
		}
		out = append(out, p)
	}
	return out
}

// describePods adds what the Service and the pods themselves said then.
func (r reader) describePods(ctx context.Context, scope Scope, a servicePodsArguments, out *result.ServicePods) error {
	service, _, err := r.held(ctx, scope, a.moment, "Service", objectArguments{Namespace: a.Namespace, Name: a.Service})
	if err != nil && !errors.Is(err, ErrNoAnswer) {
		return err
	}
	if o, bad := kubernetes.Parse([]byte(service.Object)); err == nil && bad == nil {
		c := kubernetes.ColumnsOf(o)
		out.Exists, out.Type, out.Address = true, c.Status, c.IP
	}
	names := []string{}
	for _, p := range out.Pods {
		names = append(names, p.Name)
	}
	pods, _, err := query[objectRow](ctx, r.db, heldSQL(podsNamed)+` LIMIT 1 BY uid LIMIT 2000`,
		append(in(scope, a.window()), param{"namespace", a.Namespace}, param{"names", names}))
	if err != nil {
		return err
	}
	for i, p := range out.Pods {
		if p.Ready {
			out.Ready++
		}
		for _, row := range pods {
			o, err := kubernetes.Parse([]byte(row.Object))
			if err == nil && row.Name == p.Name {
				c := kubernetes.ColumnsOf(o)
				out.Pods[i].Status, out.Pods[i].Restarts, out.Pods[i].Workload = c.Status, c.Restarts, row.Workload
			}
		}
	}
	return nil
}
