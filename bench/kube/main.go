// Command kube measures what watching a large cluster costs the exporter, and how soon the store shows a change. The cluster is objects recorded on a
// real one, multiplied, served by a list and watch server to the real exporter; JetStream, ingester and store are real, too. It prints one
// line per figure and exits 1 if one is short.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/midwatch/midwatch/bench/figure"
)

// options are the flags.
type options struct {
	midwatch           string
	nodes, pods, churn int
	length             time.Duration
}

// The bars of docs/kubernetes.md.
const (
	maxCores   = 1
	maxMemory  = 1000 // MB
	maxVisible = 2    // seconds
)

func main() { os.Exit(figure.Main(bench)) }

func bench(ctx context.Context, args []string) ([]figure.Figure, error) {
	var o options
	f := flag.NewFlagSet("kube", flag.ContinueOnError)
	f.StringVar(&o.midwatch, "midwatch", "bin/midwatch", "the program to measure")
	f.IntVar(&o.nodes, "nodes", 1000, "nodes of the cluster")
	f.IntVar(&o.pods, "pods", 30_000, "pods of the cluster")
	f.IntVar(&o.churn, "churn", 50, "pods that are replaced each second")
	f.DurationVar(&o.length, "for", time.Minute, "how long they are")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	return measure(ctx, o)
}

func measure(ctx context.Context, o options) (figures []figure.Figure, err error) {
	w, err := newWorld(o.nodes, o.pods)
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: w.serve(), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }() // until Close
	defer func() { _ = server.Close() }()
	midwatch, err := filepath.Abs(o.midwatch)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	in, err := install(ctx, midwatch, "http://"+l.Addr().String())
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.close() }()
	total := o.pods + o.nodes + 5*w.deployments // each with ReplicaSet, Service, EndpointSlice and ConfigMap
	if err := in.listed(ctx, total); err != nil {
		return nil, err
	}
	first, err := in.usage("exporter")
	if err != nil {
		return nil, err
	}
	fmt.Printf("%d objects listed, published and stored after %s; the exporter took %s of CPU\n", total, time.Since(began).Round(time.Second), first.cpu)
	return in.underChurn(ctx, w, o)
}

// underChurn replaces pods and looks how soon the store has the new ones.
func (in *installation) underChurn(ctx context.Context, w *world, o options) ([]figure.Figure, error) {
	before, err := in.usages()
	if err != nil {
		return nil, err
	}
	made := &seen{at: map[string]time.Time{}}
	churning, stop := context.WithTimeout(ctx, o.length)
	defer stop()
	began := time.Now()
	look := make(chan lookout, 1)
	go func() { look <- in.lookOut(ctx, churning, made) }()
	replaced := w.churn(churning, o.churn, made)
	took := time.Since(began)
	after, err := in.usages()
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		fmt.Printf("%s: %.2f cores, %.0f MB at most\n", part, (after[part].cpu-before[part].cpu).Seconds()/took.Seconds(), after[part].peak)
	}
	behind, err := in.backlog(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Println(behind)
	found := <-look
	if found.err != nil {
		return nil, found.err
	}
	slices.Sort(found.delays)
	quantile := func(q float64) float64 { return found.delays[int(q*float64(len(found.delays)-1))].Seconds() }
	cores := (after["exporter"].cpu - before["exporter"].cpu).Seconds() / took.Seconds()
	fmt.Printf("%d pods replaced in %s (%.1f/s), %d versions and Events stored; %d of %d new pods seen: p50 %.2f s, p99 %.2f s, longest %.2f s\n",
		replaced, took.Round(time.Second), float64(replaced)/took.Seconds(), found.rows, len(found.delays), len(made.at), quantile(0.5), quantile(0.99), quantile(1))
	missing := float64(len(made.at) - len(found.delays))
	return []figure.Figure{
		figure.AtMost("kube_exporter_cpu", cores, "cores", maxCores),
		figure.AtMost("kube_exporter_memory", after["exporter"].peak, "MB", maxMemory),
		figure.AtMost("kube_change_visible_p99", quantile(0.99), "s", maxVisible),
		figure.AtMost("kube_versions_missing", missing, "versions", 0),
	}, nil
}
