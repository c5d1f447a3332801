/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs send to user space, and how. bpf2go turns these types into Go, so there is one definition of each. */
#pragma once
#include "core.h"
#include <bpf/bpf_helpers.h>

#define HEAD_MAX 4096 /* bytes kept from the start of a transfer */
#define TAIL_MAX 128  /* bytes kept from its end, when it is longer: the end of an answer is often recognised by its last bytes */
#define RUN_MAX 16384 /* of one run of transfers in one direction, heads are kept up to this much */
#define COMM_LEN 16
#define PATH_LEN 128
#define RING_BYTES (16 << 20)
#define WAKE_BYTES (128 << 10) /* the reader is woken when this much waits; its own deadline catches the rest */

enum event_kind { EVENT_TRANSFER = 1, EVENT_CLOSED, EVENT_CONNECT, EVENT_EXEC, EVENT_EXIT, EVENT_OOM_KILL, EVENT_DATAGRAM };
enum direction { DIRECTION_RECEIVE = 0, DIRECTION_SEND = 1 };
enum role { ROLE_UNKNOWN = 0, ROLE_SERVER = 1, ROLE_CLIENT = 2 };

/* Every early return that loses something has a reason here. */
enum drop { DROP_RING_FULL, DROP_SYSCALLS_FULL, DROP_UNREADABLE, DROP_REASONS };

struct header {
	u32 kind;
	u32 tgid;
	u64 time; /* ns, CLOCK_MONOTONIC */
};
struct endpoints {
	u8 local[16], remote[16];
	u16 local_port, remote_port;
	u16 family;
	u16 unused;
	u32 netns;
	u32 unused2;
};
/* A completed read or write of a TCP socket, or a datagram (its sock is the address of its socket, which is reused). head bytes of its start, then tail bytes of its end, follow. */
struct transfer {
	struct header h;
	u64 sock;
	u64 cgroup;
	u64 size;
	struct endpoints ends;
	u32 tid;
	u8 direction;
	u8 role;
	u8 placed; /* first is known */
	u8 unused;
	u32 head;
	u32 tail;
	u32 first; /* sequence number of the first byte in its connection */
	u32 unused2;
};
struct closed {
	struct header h;
	u64 sock;
	s32 error; /* errno of the socket, 0 after an orderly close */
	u32 unused;
};
struct connected {
	struct header h;
	u64 sock;
	u64 started; /* ns, CLOCK_MONOTONIC */
	u64 cgroup;
	struct endpoints ends;
	s32 error;
	u8 failed;
	u8 unused[3];
};
struct exec {
	struct header h;
	u64 cgroup;
	u64 started; /* ns since boot, suspension included, as in /proc/PID/stat */
	u32 parent;
	u8 comm[COMM_LEN];
	u8 path[PATH_LEN];
	u32 unused;
};
struct exit {
	struct header h;
	u64 cgroup;
	u64 started;
	u32 parent;
	s32 status; /* as wait(2) reports it */
	u8 comm[COMM_LEN];
};
struct oom_kill {
	struct header h;
	u64 total_vm, anon_rss, file_rss, shmem_rss; /* KiB; 0 before Linux 6.8 */
	u8 comm[COMM_LEN];
};

/* Never used: bpf2go finds the types of Go's side through it. */
const union event {
	struct transfer transfer;
	struct closed closed;
	struct connected connected;
	struct exec exec;
	struct exit exit;
	struct oom_kill oom_kill;
	enum event_kind kind;
	enum direction direction;
	enum role role;
	enum drop drop;
} *layout __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DROP_REASONS);
	__type(key, u32);
	__type(value, u64);
} drops SEC(".maps");

static __always_inline int drop(u32 reason)
{
	u64 *n = bpf_map_lookup_elem(&drops, &reason);
	if (n)
		*n += 1;
	return 0;
}

static __always_inline int emit(void *event, u64 size)
{
	u64 wake = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >= WAKE_BYTES ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
	if (bpf_ringbuf_output(&events, event, size, wake))
		return drop(DROP_RING_FULL);
	return 0;
}
