package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/collector/probe"
)

// finding is one line of the doctor: a state everybody understands and what to do about it.
type finding struct {
	what, state, advice string
	serious             bool // something of Midwatch will not work
}

func doctorCommand(in *installation) *cobra.Command {
	return &cobra.Command{
		Use: "doctor", SuggestFor: []string{"status", "health", "check"},
		Short: "List what this machine can do: eBPF hooks, sandbox, ports, versions, disk",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var serious int
			for _, section := range []struct {
				title string
				find  func(context.Context, *installation) []finding
			}{
				{"eBPF hooks", findHooks},
				{"Sandbox", findSandbox},
				{"Programs and library", findPrograms},
				{"Ports", findPorts},
				{"Disk and memory", findDisk},
			} {
				fs := section.find(cmd.Context(), in)
				for _, f := range fs {
					if f.serious {
						serious++
					}
				}
				show(cmd.OutOrStdout(), section.title, fs)
			}
			if serious > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "\n%d of these keep a part of Midwatch from working.\n", serious)
				return exitCode(1)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "\nEverything Midwatch needs is here.")
			return nil
		},
	}
}

func show(w io.Writer, title string, fs []finding) {
	fmt.Fprintf(w, "\n%s\n", title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range fs {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", f.what, f.state, f.advice)
	}
	_ = t.Flush()
}

func findHooks(ctx context.Context, _ *installation) []finding {
	hooks, err := probe.Check(ctx)
	if err != nil {
		return []finding{{"eBPF", "missing", err.Error() + "; telemetry can still come in by OTLP, and `midwatch play` plays recordings", true}}
	}
	fs := make([]finding, 0, len(hooks))
	for _, h := range hooks {
		fs = append(fs, finding{h.Name, string(h.State), h.Reason, h.State == probe.Missing})
	}
	return fs
}

func findPrograms(ctx context.Context, in *installation) []finding {
	var fs []finding
	for _, p := range []struct{ what, path, advice string }{
		{"midwatch-analyst", in.settings.Worker.Analyst, "make build"},
		{"midwatch-temporal", in.settings.Temporal.Program, "make build, or set temporal.address to a Temporal server"},
		{"libchdb.so", in.settings.ClickHouse.Library, "make deps, or set store.addresses to a ClickHouse server"},
	} {
		if _, err := os.Stat(p.path); err != nil {
			fs = append(fs, finding{p.what, "missing", "not at " + p.path + ": " + p.advice, true})
			continue
		}
		fs = append(fs, finding{p.what, "found", p.path, false})
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		fs = append(fs, finding{"built with", info.GoVersion, "", false})
	}
	if out, err := exec.CommandContext(ctx, "node", "--version").Output(); err == nil {
		fs = append(fs, finding{"node", strings.TrimSpace(string(out)), "needed only to build", false})
	}
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		fs = append(fs, finding{"kernel", unix.ByteSliceToString(uts.Release[:]), "", false})
	}
	return fs
}

// findPorts tells a port that is free or ours from one that somebody else holds.
func findPorts(ctx context.Context, in *installation) []finding {
	running := in.running()
	var fs []finding
	for _, p := range in.settings.ports() {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.address)
		switch {
		case err == nil:
			l.Close()
			fs = append(fs, finding{p.part, "free", p.address, false})
		case errors.Is(err, unix.EADDRINUSE) && running:
			fs = append(fs, finding{p.part, "in use", p.address + ", by the Midwatch that is running", false})
		case errors.Is(err, unix.EADDRINUSE):
			fs = append(fs, finding{p.part, "taken", p.address + ": end the other program or set " + p.key + " in the configuration", true})
		default:
			fs = append(fs, finding{p.part, "refused", err.Error(), true})
		}
	}
	return fs
}

const (
	wantDisk   = 5 << 30 // bytes: some days of telemetry of one machine
	wantMemory = 3 << 30 // bytes: ClickHouse 2 GiB, Temporal 0.3, the rest
)

func findDisk(_ context.Context, in *installation) []finding {
	var fs []finding
	var st unix.Statfs_t
	dir := in.settings.Data
	for unix.Statfs(dir, &st) != nil && dir != "/" {
		dir = filepath.Dir(dir)
	}
	free := st.Bavail * uint64(st.Bsize)
	f := finding{"disk", fmt.Sprintf("%.1f GB free", float64(free)/1e9), in.settings.Data, false}
	if free < wantDisk {
		f.advice, f.serious = fmt.Sprintf("%s: want %.0f GB; free some or choose another --data", in.settings.Data, float64(wantDisk)/1e9), true
	}
	fs = append(fs, f)
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		total := info.Totalram * uint64(info.Unit)
		m := finding{"memory", fmt.Sprintf("%.1f GB", float64(total)/1e9), "", false}
		if total < wantMemory {
			m.advice = "less than 3 GB: lower clickhouse.memory_limit"
		}
		fs = append(fs, m)
	}
	return fs
}
