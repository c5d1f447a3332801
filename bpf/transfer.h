/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes read from and written to TCP connections, and what DNS says. The arguments of a system call are known when it
 * starts, the bytes when it ends, so the first half leaves a note for the second. */
#pragma once
#include "syscall.h"
#include "session.h"
#include "dns.h"

static __always_inline struct connection *connection_of(u64 sk)
{
	struct connection *c = bpf_map_lookup_elem(&connections, &sk);
	return c ? c : remember(sk, ROLE_UNKNOWN, 0);
}

/* Tells whether a socket is used by a call of a TLS library, and remembers then that this is the library's session's. A call uses its socket as soon as it begins; one that
 * uses another one long after has ended, and nobody saw it. */
static __always_inline bool secured(u64 thread, u64 sk)
{
	struct secure_call *call = bpf_map_lookup_elem(&secure_calls, &thread);
	if (!call)
		return false;
	struct session key = {.ssl = call->ssl, .tgid = thread >> 32};
	struct session_connection *known = bpf_map_lookup_elem(&sessions, &key);
	if ((!known || known->sk != sk) && bpf_ktime_get_ns() - call->started > SOON_NS) {
		bpf_map_delete_elem(&secure_calls, &thread);
		return false;
	}
	struct connection *c = connection_of(sk);
	if (!c)
		return true;
	if (!c->secure)
		c->run = 0;
	c->secure = true;
	struct session_connection of = {.sk = sk, .id = c->id};
	bpf_map_update_elem(&sessions, &key, &of, BPF_ANY);
	return true;
}

static __always_inline int call_started(int fd, u64 pointer, u64 count, u64 name, u8 direction, u8 source)
{
	u64 thread = bpf_get_current_pid_tgid();
	if (is_excluded(thread >> 32))
		return 0;
	bool datagrams;
	struct sock *sk = inet_socket(fd, &datagrams);
	if (!sk)
		return 0;
	if (!datagrams && secured(thread, (u64)sk))
		return 0;
	u64 cgroup = bpf_get_current_cgroup_id();
	if (is_excluded_cgroup(cgroup))
		return 0;
	struct syscall call = {
		.sk = (u64)sk,
		.cgroup = cgroup,
		.pointer = pointer,
		.count = count,
		.name = name,
		.started = bpf_ktime_get_ns(),
		.direction = direction,
		.source = source,
		.datagrams = datagrams,
		.trusted = datagrams && of_name_server(sk),
	};
	if (datagrams && source == SOURCE_MESSAGES)
		return datagrams_sent(thread, &call);
	if (datagrams && direction == DIRECTION_SEND)
		return datagram_sent(thread, &call);
	if (source == SOURCE_MESSAGES)
		return 0;
	if (bpf_map_update_elem(&syscalls, &thread, &call, BPF_ANY))
		return drop(DROP_SYSCALLS_FULL);
	return 0;
}

/* Copies the start and the end of one buffer. */
static __always_inline void copy_buffer(struct record *r, struct syscall *call, u64 size, u64 head_max)
{
	u64 head = clamp(size, head_max);
	if (head > HEAD_MAX || bpf_probe_read_user(r->bytes, head, (void *)call->pointer)) {
		drop(DROP_UNREADABLE);
		return;
	}
	r->t.head = head;
	u64 tail = clamp(size - head, TAIL_MAX);
	if (tail > TAIL_MAX)
		return;
	if (!bpf_probe_read_user(r->bytes + head, tail, (void *)(call->pointer + size - tail)))
		r->t.tail = tail;
}

/* Copies the start and the end of a vector of buffers, as far as its first IOV_MAX_READ reach. */
static __always_inline void copy_vector(struct record *r, struct syscall *call, u64 size, u64 head_max)
{
	u64 vector, count;
	if (!vector_of(call, &vector, &count)) {
		drop(DROP_UNREADABLE);
		return;
	}
	u64 head = 0, seen = 0;
	bool whole = true; /* nothing between the head and here was left out */
	for (int i = 0; i < IOV_MAX_READ; i++) {
		u64 iov[2];
		if (i >= count || seen >= size)
			break;
		if (bpf_probe_read_user(iov, sizeof(iov), (void *)(vector + i * sizeof(iov))))
			break;
		u64 used = clamp(iov[1], size - seen);
		seen += used;
		OPAQUE(head);
		if (head > HEAD_MAX)
			break;
		u64 n = whole ? clamp(used, HEAD_MAX - head) : 0;
		if (head + n > head_max)
			n = 0;
		if (n > HEAD_MAX)
			break;
		if (n && bpf_probe_read_user(r->bytes + head, n, (void *)iov[0]))
			break;
		head += n;
		if (n < used)
			whole = false;
		if (whole || seen < size)
			continue;
		u64 tail = clamp(used - n, TAIL_MAX);
		OPAQUE(head);
		if (head > HEAD_MAX || tail > TAIL_MAX)
			break;
		if (!bpf_probe_read_user(r->bytes + head, tail, (void *)(iov[0] + used - tail)))
			r->t.tail = tail;
	}
	r->t.head = head;
}

/* Tells of bytes that a connection moved, under an id. */
static __always_inline int transferred(u64 thread, struct connection *c, u64 id, struct syscall *call, u64 size)
{
	c->tgid = thread >> 32;
	if (bpf_map_lookup_elem(&muted, &id))
		return 0;
	u32 zero = 0;
	struct record *r = bpf_map_lookup_elem(&scratch, &zero);
	if (!r)
		return 0;
	if (c->direction != call->direction)
		c->run = 0;
	c->direction = call->direction;

	begin_record(r, EVENT_TRANSFER, thread, call, size);
	r->t.sock = id;
	r->t.role = c->role;

	u64 head_max = c->run < RUN_MAX ? HEAD_MAX : 0;
	if (call->source == SOURCE_BUFFER)
		copy_buffer(r, call, size, head_max);
	else if (call->source != SOURCE_FILE)
		copy_vector(r, call, size, head_max);
	c->run += r->t.head;
	u64 bytes = clamp((u64)r->t.head + r->t.tail, HEAD_MAX + TAIL_MAX);
	if (bytes > HEAD_MAX + TAIL_MAX)
		return 0;
	return emit(r, sizeof(struct transfer) + bytes);
}

static __always_inline int call_ended(long result)
{
	u64 thread = bpf_get_current_pid_tgid();
	struct syscall *found = bpf_map_lookup_elem(&syscalls, &thread);
	if (!found)
		return 0;
	struct syscall call = *found;
	bpf_map_delete_elem(&syscalls, &thread);
	if (result <= 0)
		return 0;
	if (call.datagrams)
		return datagram_received(thread, &call, result);
	struct connection *c = connection_of(call.sk);
	if (!c || c->secure)
		return 0;
	return transferred(thread, c, c->id, &call, result);
}
