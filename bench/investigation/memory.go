package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/midwatch/midwatch/bench/figure"
)

// What many investigations at once may take: resident memory of all worker processes and the sandboxed steps they started, in MB.
const (
	manyInvestigations = 20
	manyWithin         = 1000
	manyThink          = 3 * time.Second // of the model: long enough that all of them are in flight together
	lookEvery          = 50 * time.Millisecond
)

// memory runs many investigations at once and returns the most memory that the worker processes had at one moment.
func (in *installation) memory(ctx context.Context) ([]figure.Figure, error) {
	in.model.reset(manyThink)
	watched, stop := context.WithCancel(ctx)
	peak := make(chan usage, 1)
	go func() { peak <- in.watch(watched) }()
	began := time.Now()
	g, running := errgroup.WithContext(ctx)
	ended := make([]time.Time, manyInvestigations)
	for n := range manyInvestigations {
		g.Go(func() error {
			_, err := in.investigate(running)
			ended[n] = time.Now()
			return err
		})
	}
	err := g.Wait()
	stop()
	most := <-peak
	if err != nil {
		return nil, err
	}
	first := slices.MinFunc(ended, time.Time.Compare)
	if begun := firstQuestions(in.model.seen(), first); begun < manyInvestigations {
		return nil, fmt.Errorf("when the first of %d investigations ended, only %d had begun", manyInvestigations, begun)
	}
	fmt.Fprintf(os.Stdout, "memory: %d investigations at once, ended after %.0f to %.0f s; peak of the worker processes %.0f MB:%s\n",
		manyInvestigations, first.Sub(began).Seconds(), time.Since(began).Seconds(), most.total(), most)
	return []figure.Figure{figure.AtMost(fmt.Sprintf("workers_%d_investigations", manyInvestigations), most.total(), "MB", manyWithin)}, nil
}

// firstQuestions counts the investigations that had asked the model before a moment.
func firstQuestions(calls []moments, before time.Time) int {
	n := 0
	for _, c := range calls {
		if c.turn == 0 && c.asked.Before(before) {
			n++
		}
	}
	return n
}

// usage is resident memory in bytes by what has it.
type usage map[string]float64

func (u usage) total() float64 {
	sum := 0.0
	for _, bytes := range u {
		sum += bytes / 1e6
	}
	return sum
}

func (u usage) String() string {
	var s strings.Builder
	for _, name := range workerParts {
		fmt.Fprintf(&s, " %s %.0f", name, u[name]/1e6)
	}
	return s.String()
}

// workerParts are what memory counts for: the worker processes by their roles, and the steps in their sandboxes.
var workerParts = [...]string{"orchestrate,tools,notify", "sandbox", "model", "apply", "steps"}

// watch looks until ctx ends and returns the moment of most memory.
func (in *installation) watch(ctx context.Context) (most usage) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if now := in.resident(); now.total() > most.total() {
			most = now
		}
		select {
		case <-ctx.Done():
			return most
		case <-tick.C:
		}
	}
}

// resident is the memory of the worker processes now.
func (in *installation) resident() usage {
	u := usage{}
	for _, worker := range children(in.up.Process.Pid) {
		argv := command(worker)
		if len(argv) < 4 || argv[1] != "worker" {
			continue
		}
		u[argv[3]] += rss(worker)
		for below := children(worker); len(below) > 0; below = below[1:] {
			u["steps"] += rss(below[0])
			below = append(below, children(below[0])...)
		}
	}
	return u
}

// children are the processes that any thread of a process started. A process that ends meanwhile has none.
func children(pid int) []int {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var found []int
	for _, file := range files {
		b, _ := os.ReadFile(file)
		for _, field := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(field); err == nil {
				found = append(found, child)
			}
		}
	}
	return found
}

func command(pid int) []string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.Split(string(b), "\x00")
}

// rss is in bytes; 0 when the process ended.
func rss(pid int) float64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(fields[1])
	return float64(pages * os.Getpagesize())
}
