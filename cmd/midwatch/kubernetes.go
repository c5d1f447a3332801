package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/internal/spoken"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// lookedAt is what the kubernetes commands have in common: whose objects, and when.
type lookedAt struct {
	*remote
	namespace, at, from, to string
	all                     bool // what is folded else
	now                     func() time.Time
}

func kubernetesCommand(in *installation) *cobra.Command {
	k := &lookedAt{remote: &remote{in: in}, now: time.Now}
	cmd := &cobra.Command{
		Use: "kubernetes", Aliases: []string{"k8s"}, SuggestFor: []string{"kubectl", "kube", "cluster"}, Short: "Look at the cluster as it is, or was at any moment that is kept",
		Long: `Shows the objects of the cluster as they were at a moment, how they changed, and what the cluster said about them.

A moment is now (the default), 03:12 (the last time it was), "2026-03-01 03:12", an RFC 3339 time, or 10m (ago).`,
		Example: `  midwatch kubernetes list pods -n shop --at 03:12
  midwatch kubernetes get deployment checkout -n shop --at 03:12
  midwatch kubernetes diff configmaps -n shop --from 03:00 --to 03:12
  midwatch kubernetes history deployment checkout -n shop --from 6h
  midwatch kubernetes events -n shop --from 30m
  midwatch kubernetes service checkout -n shop --at 03:12`,
	}
	k.flags(cmd)
	cmd.PersistentFlags().StringVarP(&k.namespace, "namespace", "n", "", "namespace (default: all, where one may ask for all)")
	cmd.PersistentFlags().BoolP("all-namespaces", "A", false, "all namespaces, which is the default; as kubectl has it")
	cmd.MarkFlagsMutuallyExclusive("namespace", "all-namespaces")
	cmd.AddCommand(k.list(), k.get(), k.history(), k.diff(), k.events(), k.pods())
	return cmd
}

// atFlag and windowFlags say when.
func (k *lookedAt) atFlag(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(&k.at, "at", "now", "the moment to look at")
	return cmd
}

func (k *lookedAt) windowFlags(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(&k.from, "from", "1h", "where the time to look at begins")
	cmd.Flags().StringVar(&k.to, "to", "now", "where it ends")
	return cmd
}

func (k *lookedAt) list() *cobra.Command {
	var labels, name, workload string
	cmd := k.atFlag(&cobra.Command{
		Use: "list KIND", Short: "List what was there, what is not well first", Args: wants(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := moment(k.at, k.now())
			if err != nil {
				return err
			}
			return ask[result.KubernetesObjects](cmd, k.remote, "kubernetes_list", map[string]any{
				"kind": args[0], "namespace": k.namespace, "at": at, "labels": labels, "name": name, "workload": workload,
			}, writeObjects)
		},
	})
	cmd.Flags().StringVarP(&labels, "selector", "l", "", "labels: app=web,tier=front")
	cmd.Flags().StringVar(&name, "name", "", "only objects whose name contains this")
	cmd.Flags().StringVar(&workload, "workload", "", "only what belongs to this workload: deployment/checkout")
	return cmd
}

func (k *lookedAt) get() *cobra.Command {
	var format string
	cmd := k.atFlag(&cobra.Command{
		Use: "get KIND NAME", Short: "Show one object as it was, whole", Args: wantsObject,
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := moment(k.at, k.now())
			if err != nil {
				return err
			}
			args = named(args)
			return ask[result.KubernetesVersion](cmd, k.remote, "kubernetes_get", map[string]any{
				"kind": args[0], "name": args[1], "namespace": k.namespace, "at": at, "format": format,
			}, writeVersion)
		},
	})
	cmd.Flags().StringVarP(&format, "output", "o", "yaml", "yaml or json")
	return cmd
}

func (k *lookedAt) history() *cobra.Command {
	cmd := k.windowFlags(&cobra.Command{
		Use: "history KIND NAME", Short: "Show how one object changed, and by whom", Args: wantsObject,
		RunE: func(cmd *cobra.Command, args []string) error {
			args = named(args)
			return k.between("from", "to", func(a map[string]any) error {
				a["kind"], a["name"], a["namespace"], a["fold"] = args[0], args[1], k.namespace, !k.all
				return ask[result.KubernetesHistory](cmd, k.remote, "kubernetes_history", a, writeHistory)
			})
		},
	})
	cmd.Flags().BoolVar(&k.all, "all", false, "each version, those of status alone, too")
	return cmd
}

func (k *lookedAt) diff() *cobra.Command {
	cmd := k.windowFlags(&cobra.Command{
		Use: "diff KIND [NAME]", Short: "Show how the objects of a kind, or one, differ between two moments", Args: wantsUpTo(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			args = named(args)
			return k.between("before", "after", func(a map[string]any) error {
				a["kind"], a["namespace"] = args[0], k.namespace
				if len(args) > 1 {
					a["name"] = args[1]
				}
				return ask[result.KubernetesDiff](cmd, k.remote, "kubernetes_diff", a, func(cmd *cobra.Command, d result.KubernetesDiff) error {
					return writeDiff(cmd, d, k.all)
				})
			})
		},
	})
	cmd.Flags().BoolVar(&k.all, "all", false, "differences of status, too, where others are")
	return cmd
}

func (k *lookedAt) events() *cobra.Command {
	var workload string
	cmd := k.windowFlags(&cobra.Command{
		Use: "events [KIND NAME]", Short: "Show what the cluster said, of all or of one object", Args: wantsUpTo(0, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			args = named(args)
			return k.between("from", "to", func(a map[string]any) error {
				a["namespace"], a["workload"] = k.namespace, workload
				if len(args) > 0 {
					a["kind"] = args[0]
				}
				if len(args) > 1 {
					a["name"] = args[1]
				}
				return ask[result.KubernetesEvents](cmd, k.remote, "kubernetes_events", a, writeEvents)
			})
		},
	})
	cmd.Flags().StringVar(&workload, "workload", "", "only about this workload and its pods: deployment/checkout")
	return cmd
}

func (k *lookedAt) pods() *cobra.Command {
	return k.atFlag(&cobra.Command{
		Use: "service NAME", Short: "Show the pods that were behind a Service", Args: wants(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if k.namespace == "" {
				return errors.New("whose Service? say the namespace with -n")
			}
			at, err := moment(k.at, k.now())
			if err != nil {
				return err
			}
			return ask[result.ServicePods](cmd, k.remote, "service_pods", map[string]any{"service": args[0], "namespace": k.namespace, "at": at}, writeServicePods)
		},
	})
}

// named takes KIND/NAME apart, as kubectl does.
func named(args []string) []string {
	if len(args) == 1 {
		return strings.SplitN(args[0], "/", 2)
	}
	return args
}

// wantsObject takes KIND NAME, or KIND/NAME.
func wantsObject(cmd *cobra.Command, args []string) error {
	if len(args) == 1 && len(named(args)) == 2 {
		return nil
	}
	return wants(2)(cmd, args)
}

// between hands on the arguments that say from when to when, by the names that a tool has for them.
func (k *lookedAt) between(from, to string, do func(map[string]any) error) error {
	begin, err := moment(k.from, k.now())
	if err != nil {
		return err
	}
	end, err := moment(k.to, k.now())
	if err != nil {
		return err
	}
	if !begin.Before(end) {
		return fmt.Errorf("--from %s (%s) is not before --to %s (%s)", k.from, stamp(begin), k.to, stamp(end))
	}
	return do(map[string]any{from: begin, to: end})
}

// moment reads a time as people write it; one of the day is the last time it was.
func moment(text string, now time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" || text == "now" {
		return now, nil
	}
	if ago, err := spoken.Duration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		clock, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		t := time.Date(now.Year(), now.Month(), now.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, now.Location())
		if t.After(now) {
			t = t.AddDate(0, 0, -1)
		}
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%q is no time; write now, 03:12, \"2026-03-01 03:12\", an RFC 3339 time, or 10m for ten minutes ago", text)
}

// ask runs a tool and shows its result.
func ask[T any](cmd *cobra.Command, r *remote, tool string, arguments map[string]any, show func(*cobra.Command, T) error) error {
	for name, v := range arguments {
		if v == "" {
			delete(arguments, name)
		}
	}
	raw, err := json.Marshal(arguments)
	if err != nil {
		return err
	}
	c, err := r.client()
	if err != nil {
		return err
	}
	answer, err := c.RunTool(cmd.Context(), tool, raw)
	if err != nil {
		return err
	}
	b, err := json.Marshal(answer.Data)
	if err != nil {
		return err
	}
	var data T
	if err := json.Unmarshal(b, &data); err != nil {
		return fmt.Errorf("read the answer of %s: %w", tool, err)
	}
	return show(cmd, data)
}
