// Package gvisor is the sandbox engine behind gVisor: the step runs on a kernel of its own, runsc, which is itself an unprivileged process in empty
// namespaces. No system call of the step reaches the machine's kernel. It costs a few hundred milliseconds a step where the native
// engine costs tens.
//
// runsc runs rootless, without a network, on an empty root; the step's system calls pass the same filter as in the native engine.
package gvisor
