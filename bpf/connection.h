/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets; of TCP connections which end this is, and their beginning and end. */
#pragma once
#include "process.h"
#include <bpf/bpf_endian.h>

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_MPTCP 262 /* Go listens with it since 1.24 */
#define S_IFMT 0170000
#define S_IFSOCK 0140000

enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT = 2, TCP_SYN_RECV = 3, TCP_CLOSE = 7 };

struct connection {
	u64 id;      /* unique while the machine runs; the socket's address is reused */
	u64 started; /* ns */
	u64 told;    /* the id under which what it moves is told in clear, 0 while it is not encrypted */
	u32 tgid;    /* of the last process that used it, 0 while nobody has */
	u32 run;     /* bytes kept since the direction changed */
	u8 role;
	u8 direction;
	u8 unused[6];
};

/* Set in the ids under which bytes are told in clear that are encrypted on their way. */
#define SECURE 1

/* :: address of the socket -> its connection */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, u64);
	__type(value, struct connection);
} connections SEC(".maps");

/* Connections user space has no use for, by id. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, u64);
	__type(value, u8);
} muted SEC(".maps");

/* Returns the TCP or UDP socket behind a file descriptor of the current task, or NULL. */
static __always_inline struct sock *inet_socket(int fd, bool *datagrams)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	if ((u32)fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	struct file **files = BPF_CORE_READ(table, fd), *file = NULL;
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family != AF_INET && family != AF_INET6)
		return NULL;
	u16 protocol = BPF_CORE_READ(sk, sk_protocol);
	*datagrams = protocol == IPPROTO_UDP;
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP && protocol != IPPROTO_UDP)
		return NULL;
	return sk;
}

/* The sequence number of the byte that a process reads or writes next. Both ends of a connection have the same for a byte. */
static __always_inline u32 next_byte(u64 sk, bool write)
{
	struct tcp_sock *tcp = (void *)sk;
	return write ? BPF_CORE_READ(tcp, write_seq) : BPF_CORE_READ(tcp, copied_seq);
}

static __always_inline void read_endpoints(struct endpoints *e, struct sock *sk)
{
	e->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	e->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	e->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	e->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	if (e->family == AF_INET) {
		BPF_CORE_READ_INTO((u32 *)e->local, sk, __sk_common.skc_rcv_saddr);
		BPF_CORE_READ_INTO((u32 *)e->remote, sk, __sk_common.skc_daddr);
	} else {
		BPF_CORE_READ_INTO((struct in6_addr *)e->local, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO((struct in6_addr *)e->remote, sk, __sk_common.skc_v6_daddr);
	}
}

/* The id of a connection is the time, with the CPU in the low bits lest two start in one nanosecond; the lowest is free. */
static __always_inline u64 new_id(u64 now)
{
	return now << 8 | (bpf_get_smp_processor_id() & 0x7f) << 1;
}

static __always_inline struct connection *remember(u64 sk, u8 role, u32 tgid)
{
	u64 now = bpf_ktime_get_ns();
	struct connection c = {.id = new_id(now), .started = now, .role = role, .tgid = tgid};
	bpf_map_update_elem(&connections, &sk, &c, BPF_ANY);
	return bpf_map_lookup_elem(&connections, &sk);
}

static __always_inline int connect_ended(struct sock *sk, struct connection *c, bool failed)
{
	struct connected e = {
		.h = {.kind = EVENT_CONNECT, .tgid = c->tgid, .time = bpf_ktime_get_ns()},
		.sock = c->id,
		.started = c->started,
		.failed = failed,
		.error = failed ? BPF_CORE_READ(sk, sk_err) : 0,
	};
	read_endpoints(&e.ends, sk);
	return emit(&e, sizeof(e));
}

static __always_inline int connection_closed(struct sock *sk, struct connection *c, u64 id)
{
	struct closed e = {
		.h = {.kind = EVENT_CLOSED, .tgid = c->tgid, .time = bpf_ktime_get_ns()},
		.sock = id,
		.error = BPF_CORE_READ(sk, sk_err),
	};
	return emit(&e, sizeof(e));
}

/* Only the change to SYN_SENT is sure to happen in the process that asked for it; the rest may run in any. */
SEC("tracepoint/sock/inet_sock_set_state")
int socket_state(struct trace_event_raw_inet_sock_set_state *ctx)
{
	if (ctx->protocol != IPPROTO_TCP && ctx->protocol != IPPROTO_MPTCP)
		return 0;
	struct sock *sk = (void *)ctx->skaddr;
	u64 key = (u64)sk;
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	int before = ctx->oldstate, after = ctx->newstate;

	if (after == TCP_SYN_SENT) {
		if (!is_excluded(tgid))
			remember(key, ROLE_CLIENT, tgid);
		return 0;
	}
	if (after == TCP_ESTABLISHED && before == TCP_SYN_RECV) {
		remember(key, ROLE_SERVER, 0);
		return 0;
	}
	struct connection *c = bpf_map_lookup_elem(&connections, &key);
	if (!c)
		return 0;
	if (after == TCP_ESTABLISHED)
		return connect_ended(sk, c, false);
	if (after != TCP_CLOSE)
		return 0;
	u64 id = c->told ? c->told : c->id;
	if (before == TCP_SYN_SENT)
		connect_ended(sk, c, true);
	else if (c->tgid && !bpf_map_lookup_elem(&muted, &id))
		connection_closed(sk, c, id);
	bpf_map_delete_elem(&muted, &id);
	if (c->told)
		bpf_map_delete_elem(&muted, &c->id);
	bpf_map_delete_elem(&connections, &key);
	return 0;
}
