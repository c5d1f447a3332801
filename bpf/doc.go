// Package bpf holds the programs that run in the kernel, compiled and committed, and their Go bindings. The C files
// are built by clang-14 into one object per architecture; "go generate ./bpf" reproduces them byte for byte (Debian packages clang-14,
// llvm-14 and libbpf-dev). The C side keeps to fixed records and counters; what bytes mean is decided in
// collector/protocol. Only collector/probe uses this package.
package bpf

//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -cc clang-14 -strip llvm-strip-14 -target amd64,arm64 -type event_kind -type direction -type role -type drop -type header -type endpoints -type transfer -type closed -type connected -type exec -type exit -type oom_kill -cflags "-O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu -I/usr/include/aarch64-linux-gnu" Kernel kernel.bpf.c
