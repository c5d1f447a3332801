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

/* Remembers that a session is about a connection. */
static __always_inline void belongs(struct session *key, struct session_state *known, u64 sk)
{
	struct connection *c = connection_of(sk);
	if (!c)
		return;
	c->run = 0;
	if (known && known->told.id) {
		known->sk = sk;
		known->id = c->id;
		known->told.role = c->role;
		c->told = known->told.id | SECURE;
		return;
	}
	c->told = c->id | SECURE;
	struct session_state of = {.sk = sk, .id = c->id};
	bpf_map_update_elem(&sessions, key, &of, BPF_ANY);
}

/* Reads how long the records of TLS are that a buffer begins with and that carry something of the program's. Returns false if there are none. */
static __always_inline bool read_records(u64 pointer, u64 count, u32 *lengths)
{
	u32 any = 0;
	for (int i = 0; i < RECORDS_MAX; i++) {
		struct {
			u8 type, major, minor, length[2];
		} h;
		if (sizeof(h) > count || bpf_probe_read_user(&h, sizeof(h), (void *)pointer) || h.major != 3)
			break;
		u32 length = h.length[0] << 8 | h.length[1];
		u64 step = sizeof(h) + length;
		lengths[i] = h.type == 23 ? length : 0;
		any |= lengths[i];
		if (step > count)
			break;
		pointer += step;
		count -= step;
	}
	return any;
}

/* Tells whether one of the records carries so many bytes: what encryption adds is fixed (TLS 1.3, and 1.2 with ChaCha20 and with AES-GCM). */
static __always_inline bool carry(u32 *lengths, u64 size)
{
	for (int i = 0; i < RECORDS_MAX; i++) {
		u64 more = lengths[i] - size;
		if (more == 17 || more == 16 || more == 24)
			return true;
	}
	return false;
}

/* Records are about to be sent: if a single session made some since the last time, and they are as long as these, then the connection is its. */
static __always_inline void records_sent(u64 thread, struct syscall *call)
{
	struct encrypted *e = bpf_map_lookup_elem(&encrypted, &thread);
	struct datagram first;
	u32 lengths[RECORDS_MAX] = {};
	if (!e || !datagram_of(call, &first) || !read_records(first.pointer, first.count, lengths))
		return;
	struct encrypted was = *e;
	bpf_map_delete_elem(&encrypted, &thread);
	struct session_state *known = bpf_map_lookup_elem(&sessions, &was.by);
	struct connection *c = bpf_map_lookup_elem(&connections, &call->sk);
	if (known && !known->sk && !was.several && !(c && c->told) && carry(lengths, was.size))
		belongs(&was.by, known, call->sk);
}

/* Records were received: what a session decrypts next, in the same thread, is of them if it is as long. */
static __always_inline void records_received(u64 thread, struct syscall *call, u64 size)
{
	struct records r = {.sk = call->sk};
	if (read_records(call->pointer, size, r.lengths))
		bpf_map_update_elem(&received, &thread, &r, BPF_ANY);
}

/* Tells whether a socket is used by a call of a TLS library, and remembers then that this is the library's session's. A call uses its socket as soon as it begins; one that
 * uses another one long after has ended, and nobody saw it. */
static __always_inline bool secured(u64 thread, u64 sk)
{
	u32 tgid = thread >> 32;
	struct caller who = {.id = thread};
	struct secure_call *call = bpf_map_lookup_elem(&secure_calls, &who);
	if (!call && bpf_map_lookup_elem(&goroutines, &tgid)) {
		who.id = current_goroutine();
		who.tgid = tgid;
		call = bpf_map_lookup_elem(&secure_calls, &who);
	}
	if (!call)
		return false;
	struct session key = {.ssl = call->ssl, .tgid = tgid};
	struct session_state *known = bpf_map_lookup_elem(&sessions, &key);
	if ((!known || known->sk != sk) && bpf_ktime_get_ns() - call->started > SOON_NS) {
		bpf_map_delete_elem(&secure_calls, &who);
		return false;
	}
	struct connection *c = bpf_map_lookup_elem(&connections, &sk);
	if (!c || !known || known->sk != sk || known->id != c->id)
		belongs(&key, known, sk);
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
	call.tcp = BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP;
	if (call.tcp)
		call.first = next_byte((u64)sk, direction == DIRECTION_SEND);
	u32 tgid = thread >> 32;
	if (direction == DIRECTION_SEND && bpf_map_lookup_elem(&in_memory, &tgid))
		records_sent(thread, &call);
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
	if (!c || c->told)
		return 0;
	u32 tgid = thread >> 32;
	transferred(thread, c, c->id, &call, result);
	if (call.direction == DIRECTION_RECEIVE && call.source == SOURCE_BUFFER && bpf_map_lookup_elem(&in_memory, &tgid))
		records_received(thread, &call, result);
	return 0;
}
