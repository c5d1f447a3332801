// Package native is the sandbox engine in pure Go. Each step runs in a fresh process with its own user, mount, pid,
// network, ipc, uts and cgroup namespaces, an empty read-only root, no capability, Landlock, seccomp and rlimits; all it
// has is one socket as fd 3. Where a wall cannot be built the engine refuses to run (sandbox.ErrUnavailable).
//
// The program (midwatch-analyst) is started as `midwatch-analyst enter`, builds the walls around itself from the inside
// (enter_linux.go) before it has read a byte of input, and then executes itself again by descriptor: the empty root holds no file, not
// even the program.
package native
