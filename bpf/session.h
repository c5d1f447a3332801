/* SPDX-License-Identifier: GPL-2.0 */
/* Sessions of TLS libraries, and the calls that threads are in. */
#pragma once
#include "connection.h"

#define SOON_NS 100000000ULL /* within which a call uses a socket that it did not use before */

/* A call of the library between its start and its end. */
struct secure_call {
	u64 ssl;
	u64 pointer;
	u64 length; /* where the library writes how much it was, or 0: the result says it */
	u64 started;
	u8 direction;
	u8 moves; /* bytes of the program's; a handshake does not */
	u8 unused[6];
};

/* Who is in a call: a thread, or a goroutine of a process, which goes from thread to thread. */
struct caller {
	u64 id;
	u64 tgid; /* of a goroutine's, else 0 */
};

/* :: who -> the call of the library it is in */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct caller);
	__type(value, struct secure_call);
} secure_calls SEC(".maps");

/* Processes whose goroutines are known to make such calls, by id. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, u8);
} goroutines SEC(".maps");

/* The goroutine that the current thread runs: Go keeps the address of its state in thread-local memory, and in a register while its own code runs. 0: not known. */
static __always_inline u64 current_goroutine(void)
{
	u64 g = 0;
#if defined(__TARGET_ARCH_x86)
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 local = BPF_CORE_READ(task, thread.fsbase);
	if (bpf_probe_read_user(&g, sizeof(g), (void *)(local - sizeof(g))))
		return 0;
#endif
	return g;
}

/* A session of the library: the address of its state, in a process. */
struct session {
	u64 ssl;
	u64 tgid;
};
struct session_state {
	u64 sk, id;             /* of its connection, 0 while that is not known */
	struct connection told; /* what is told of it, where it began in memory: under an id of its own */
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct session);
	__type(value, struct session_state);
} sessions SEC(".maps");

/* Some programs have the library encrypt into memory, and move that by themselves. Such processes, by id. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, u8);
} in_memory SEC(".maps");

#define RECORDS_MAX 4

/* :: thread -> the last records of TLS that it received, and through which socket */
struct records {
	u64 sk;
	u32 lengths[RECORDS_MAX]; /* 0: it carries nothing of the program's */
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct records);
} received SEC(".maps");

/* :: thread -> what it had encrypted into memory since it sent records last */
struct encrypted {
	struct session by;
	u64 size;
	u64 several; /* sessions did: none of them is known to be the one that is sent */
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct encrypted);
} encrypted SEC(".maps");
