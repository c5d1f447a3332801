package main

import (
	"encoding/json"
	"os"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/sandbox/profile"
)

// sandboxProfileCommand is what the Helm chart's node agent runs before it starts, where it is asked to.
func sandboxProfileCommand() *cobra.Command {
	return &cobra.Command{
		Use: "sandbox-profile [FILE]", Short: "Write the seccomp profile for pods in which steps run",
		Long: `Writes the filter under which the sandbox role's pod can build its steps' walls, as seccompProfile type Localhost wants it on every node:
below the kubelet's directory, /var/lib/kubelet/seccomp/midwatch/sandbox.json. Without a file it is printed.`,
		Args: wantsUpTo(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := json.MarshalIndent(profile.Pod(), "", " ")
			if err != nil {
				return err
			}
			b = append(b, '\n')
			if len(args) == 0 {
				_, err = cmd.OutOrStdout().Write(b)
				return err
			}
			if err := os.WriteFile(args[0]+".new", b, 0o644); err != nil {
				return err
			}
			return os.Rename(args[0]+".new", args[0]) // whole at any moment: a kubelet may be reading
		},
	}
}
