//go:build ignore

// SPDX-License-Identifier: GPL-2.0
/* The programs. Each is a thin entry over one inline body; everything but the hooks is in the headers. */
#include "tls.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define SYSCALL(name, direction, source, pointer, count, other, condition)                                             \
	SEC("tracepoint/syscalls/sys_enter_" #name)                                                                    \
	int enter_##name(struct trace_event_raw_sys_enter *ctx)                                                        \
	{                                                                                                              \
		if (!(condition))                                                                                      \
			return 0;                                                                                      \
		return call_started(ctx->args[0], pointer, count, other, direction, source);                           \
	}                                                                                                              \
	SEC("tracepoint/syscalls/sys_exit_" #name)                                                                     \
	int exit_##name(struct trace_event_raw_sys_exit *ctx)                                                          \
	{                                                                                                              \
		return call_ended(ctx->ret);                                                                           \
	}

#define PEEKS(flags) ((flags) & (MSG_PEEK | MSG_ERRQUEUE))

SYSCALL(read, DIRECTION_RECEIVE, SOURCE_BUFFER, ctx->args[1], ctx->args[2], 0, true)
SYSCALL(write, DIRECTION_SEND, SOURCE_BUFFER, ctx->args[1], ctx->args[2], 0, true)
SYSCALL(recvfrom, DIRECTION_RECEIVE, SOURCE_BUFFER, ctx->args[1], ctx->args[2], ctx->args[4], !PEEKS(ctx->args[3]))
SYSCALL(sendto, DIRECTION_SEND, SOURCE_BUFFER, ctx->args[1], ctx->args[2], ctx->args[4], true)
SYSCALL(readv, DIRECTION_RECEIVE, SOURCE_VECTOR, ctx->args[1], ctx->args[2], 0, true)
SYSCALL(writev, DIRECTION_SEND, SOURCE_VECTOR, ctx->args[1], ctx->args[2], 0, true)
SYSCALL(recvmsg, DIRECTION_RECEIVE, SOURCE_MESSAGE, ctx->args[1], 0, 0, !PEEKS(ctx->args[2]))
SYSCALL(sendmsg, DIRECTION_SEND, SOURCE_MESSAGE, ctx->args[1], 0, 0, true)
SYSCALL(sendfile64, DIRECTION_SEND, SOURCE_FILE, 0, 0, 0, true)

/* Of datagrams alone. */
SEC("tracepoint/syscalls/sys_enter_sendmmsg")
int enter_sendmmsg(struct trace_event_raw_sys_enter *ctx)
{
	return call_started(ctx->args[0], ctx->args[1], ctx->args[2], 0, DIRECTION_SEND, SOURCE_MESSAGES);
}

/* Every system call passes here: the way in where the kernel has no tracepoints for single ones. */
#if defined(__TARGET_ARCH_x86)
enum { NR_READ = 0, NR_WRITE = 1, NR_READV = 19, NR_WRITEV = 20, NR_SENDFILE = 40, NR_SENDTO = 44, NR_RECVFROM = 45, NR_SENDMSG = 46, NR_RECVMSG = 47, NR_SENDMMSG = 307 };
#define NUMBER(regs) BPF_CORE_READ(regs, orig_ax)
#elif defined(__TARGET_ARCH_arm64)
enum { NR_READ = 63, NR_WRITE = 64, NR_READV = 65, NR_WRITEV = 66, NR_SENDFILE = 71, NR_SENDTO = 206, NR_RECVFROM = 207, NR_SENDMSG = 211, NR_RECVMSG = 212, NR_SENDMMSG = 269 };
#define NUMBER(regs) BPF_CORE_READ(regs, syscallno)
#endif

SEC("raw_tracepoint/sys_enter")
int enter_any(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (void *)ctx->args[0];
	u8 direction, source;
	switch (ctx->args[1]) {
	case NR_READ:
	case NR_RECVFROM:
		direction = DIRECTION_RECEIVE, source = SOURCE_BUFFER;
		break;
	case NR_WRITE:
	case NR_SENDTO:
		direction = DIRECTION_SEND, source = SOURCE_BUFFER;
		break;
	case NR_READV:
		direction = DIRECTION_RECEIVE, source = SOURCE_VECTOR;
		break;
	case NR_WRITEV:
		direction = DIRECTION_SEND, source = SOURCE_VECTOR;
		break;
	case NR_RECVMSG:
		direction = DIRECTION_RECEIVE, source = SOURCE_MESSAGE;
		break;
	case NR_SENDMSG:
		direction = DIRECTION_SEND, source = SOURCE_MESSAGE;
		break;
	case NR_SENDMMSG:
		direction = DIRECTION_SEND, source = SOURCE_MESSAGES;
		break;
	case NR_SENDFILE:
		direction = DIRECTION_SEND, source = SOURCE_FILE;
		break;
	default:
		return 0;
	}
	if (ctx->args[1] == NR_RECVFROM && PEEKS(PT_REGS_PARM4_CORE_SYSCALL(regs)))
		return 0;
	if (ctx->args[1] == NR_RECVMSG && PEEKS(PT_REGS_PARM3_CORE(regs)))
		return 0;
	u64 name = ctx->args[1] == NR_RECVFROM || ctx->args[1] == NR_SENDTO ? PT_REGS_PARM5_CORE(regs) : 0;
	return call_started(PT_REGS_PARM1_CORE(regs), PT_REGS_PARM2_CORE(regs), PT_REGS_PARM3_CORE(regs), name, direction, source);
}

SEC("raw_tracepoint/sys_exit")
int exit_any(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (void *)ctx->args[0];
	switch (NUMBER(regs)) {
	case NR_READ:
	case NR_WRITE:
	case NR_READV:
	case NR_WRITEV:
	case NR_SENDFILE:
	case NR_SENDTO:
	case NR_RECVFROM:
	case NR_SENDMSG:
	case NR_RECVMSG:
		return call_ended(ctx->args[1]);
	}
	return 0;
}

/* Runs for every thread; the process ends with its last one. */
SEC("tracepoint/sched/sched_process_exit")
int process_exit(void *ctx)
{
	u64 thread = bpf_get_current_pid_tgid();
	struct task_struct *task = (void *)bpf_get_current_task();
	bpf_map_delete_elem(&syscalls, &thread);
	struct caller who = {.id = thread};
	bpf_map_delete_elem(&secure_calls, &who);
	bpf_map_delete_elem(&received, &thread);
	bpf_map_delete_elem(&encrypted, &thread);
	if (BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0;
	u32 tgid = thread >> 32;
	bpf_map_delete_elem(&goroutines, &tgid);
	bpf_map_delete_elem(&in_memory, &tgid);
	return process_exited(task, tgid);
}
