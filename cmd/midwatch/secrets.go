package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/midwatch/midwatch/deploy/secrets"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/seal"
)

// secretsCommand is what the Helm chart's Job runs.
func secretsCommand(in *installation) *cobra.Command {
	cfg := secrets.Config{MakeKeys: makeKeys}
	var kubeconfig string
	var names []string
	cmd := &cobra.Command{
		Use:   "secrets --namespace NS",
		Short: "Make certificates and keys as Secrets of a Kubernetes namespace, or renew them",
		Long: `Makes the Secrets that the parts mount in a cluster: an authority, a certificate for each part, the keys. What is there stays;
certificates with less than 30 days left are made anew. The Helm chart runs it; it can run at any time.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if cfg.Names, err = namesByPart(names); err != nil {
				return err
			}
			conf, err := clusterConfig(kubeconfig)
			if err != nil {
				return fmt.Errorf("find the cluster: %w", err)
			}
			conf.QPS, conf.Burst = 100, 100 // thirty requests, for which every other part waits
			if cfg.Client, err = kubernetes.NewForConfig(conf); err != nil {
				return err
			}
			cfg.Log = in.log
			return secrets.Ensure(cmd.Context(), cfg)
		},
	}
	f := cmd.Flags()
	f.StringVar(&kubeconfig, "kubeconfig", "", "`file` (default: the service account of the pod)")
	f.StringVar(&cfg.Namespace, "namespace", "", "where the parts run")
	f.StringVar(&cfg.Prefix, "prefix", "midwatch", "what the Secrets' names begin with")
	f.StringToStringVar(&cfg.Labels, "label", nil, "`key=value` that the Secrets get")
	f.StringSliceVar(&names, "name", nil, "`part=name` under which a part is reached beside its own name; several with commas")
	f.BoolVar(&cfg.Certificates, "certificates", true, "make certificates")
	f.BoolVar(&cfg.Keys, "keys", true, "make keys")
	_ = cmd.MarkFlagRequired("namespace")
	return cmd
}

// clusterConfig is that of a file or, without one, of the pod's service account.
func clusterConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		return rest.InClusterConfig()
	}
	return clientcmd.BuildConfigFromFlags("", kubeconfig)
}

func namesByPart(names []string) (map[string][]string, error) {
	by := map[string][]string{}
	for _, n := range names {
		part, name, ok := strings.Cut(n, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--name %q: want part=name, such as %s=midwatch.example", n, pki.API)
		}
		by[part] = append(by[part], name)
	}
	return by, nil
}

// makeKeys makes the keys of an installation that are missing in dir.
func makeKeys(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"metadata", "temporal", "jetstream", "clickhouse", "pseudonyms"} {
		if _, err := seal.LoadRing(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	_, err := auth.LoadApprovalKey(filepath.Join(dir, "approval"))
	return err
}
