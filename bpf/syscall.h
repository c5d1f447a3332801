/* SPDX-License-Identifier: GPL-2.0 */
/* A system call between its start and its end. */
#pragma once
#include "connection.h"

#define MSG_PEEK 0x2
#define MSG_ERRQUEUE 0x2000
#define IOV_MAX_READ 8

enum source { SOURCE_BUFFER, SOURCE_VECTOR, SOURCE_MESSAGE, SOURCE_MESSAGES, SOURCE_FILE };

struct syscall {
	u64 sk, cgroup;
	u64 pointer, count; /* of the buffer in bytes, of the vector in buffers */
	u64 name; /* of the other end, or 0 */
	u64 started;
	u8 direction;
	u8 source;
	u8 datagrams; /* the socket is one of UDP */
	u8 trusted;   /* connected to a name server: the kernel lets nothing else in */
	u32 first;    /* sequence number of the first byte, of TCP alone */
	u8 tcp;
	u8 unused[7];
};

/* :: thread -> the system call it is in */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct syscall);
} syscalls SEC(".maps");

/* Stops the compiler from proving away a check that the verifier needs. */
#define OPAQUE(x) asm volatile("" : "+r"(x))

static __always_inline u64 clamp(u64 n, u64 max)
{
	OPAQUE(n);
	if (n > max)
		n = max;
	OPAQUE(n);
	return n;
}

/* Finds the vector of a call that has one. Returns false if its memory cannot be read. */
static __always_inline bool vector_of(struct syscall *call, u64 *vector, u64 *count)
{
	*vector = call->pointer;
	*count = call->count;
	if (call->source != SOURCE_MESSAGE)
		return true;
	u64 message[4]; /* struct user_msghdr: name, namelen, iov, iovlen */
	if (bpf_probe_read_user(message, sizeof(message), (void *)call->pointer))
		return false;
	*vector = message[2];
	*count = message[3];
	return true;
}

/* The room past HEAD_MAX + TAIL_MAX is never filled: it lets the verifier accept sums of two bounded lengths. */
struct record {
	struct transfer t;
	u8 bytes[3 * HEAD_MAX];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct record);
} scratch SEC(".maps");

/* Fills in what every record says of its call. */
static __always_inline void begin_record(struct record *r, u32 kind, u64 thread, struct syscall *call, u64 size)
{
	r->t.h.kind = kind;
	r->t.h.tgid = thread >> 32;
	/* The first moment the peer could have seen it, or the first this process did. */
	r->t.h.time = call->direction == DIRECTION_SEND ? call->started : bpf_ktime_get_ns();
	r->t.cgroup = call->cgroup;
	r->t.size = size;
	r->t.tid = thread;
	r->t.direction = call->direction;
	r->t.head = 0;
	r->t.tail = 0;
	/* Another thread may have moved bytes meanwhile: then it is not known which were this call's. */
	r->t.first = call->first;
	r->t.placed = call->tcp && next_byte(call->sk, call->direction == DIRECTION_SEND) - call->first == (u32)size;
	if (call->sk)
		read_endpoints(&r->t.ends, (void *)call->sk);
	else
		__builtin_memset(&r->t.ends, 0, sizeof(r->t.ends));
}
