/* SPDX-License-Identifier: GPL-2.0 */
/* Questions and answers of DNS among the datagrams a process sends and receives. The header alone decides, whatever the port: whoever parses
 * the rest is in user space. */
#pragma once
#include "syscall.h"

struct dns_header {
	u16 id;
	u8 flags, code; /* QR, opcode, AA, TC, RD; RA, Z, AD, CD, RCODE */
	u16 questions, answers, authorities, additionals;
};

#define DNS_KIND 0xf8 /* QR and opcode in flags */
#define DNS_QUERY 0x00
#define DNS_RESPONSE 0x80
#define DNS_RCODE 0x0f
#define DNS_RCODE_MAX 5 /* REFUSED; what comes after is for updates of zones */
#define DNS_ANSWERS_MAX 255

#define DNS_PORT 53
#define MESSAGES_MAX 4 /* of a sendmmsg: resolvers ask for both kinds of addresses with one */
#define MMSGHDR_LEN 64

enum dns_part { DNS_NEITHER, DNS_QUESTION, DNS_ANSWER };

/* Questions asked through sockets whose answers may be a stranger's: only what answers one of them counts, or any stranger could send names. */
struct dns_question {
	u64 sk;
	u64 id;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct dns_question);
	__type(value, u8);
} dns_questions SEC(".maps");

/* Tells whether all that a socket receives is a name server's. Being connected alone does not make it one: games, calls and QUIC have connected
 * sockets, to anyone. */
static __always_inline bool of_name_server(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_dport) == bpf_htons(DNS_PORT);
}

/* One datagram: its first buffer, in which all is that DNS says, and where the other end's address is, or 0. */
struct datagram {
	u64 pointer, count, name;
};

static __always_inline bool datagram_of(struct syscall *call, struct datagram *d)
{
	u64 vector = call->pointer, buffers = call->count, iov[2];
	d->pointer = call->pointer;
	d->count = call->count;
	d->name = call->name;
	if (call->source == SOURCE_BUFFER)
		return true;
	if (call->source == SOURCE_FILE)
		return false;
	if (call->source == SOURCE_MESSAGE) {
		u64 message[4]; /* struct user_msghdr: name, namelen, iov, iovlen */
		if (bpf_probe_read_user(message, sizeof(message), (void *)call->pointer))
			return false;
		d->name = message[0];
		vector = message[2];
		buffers = message[3];
	}
	if (!buffers || bpf_probe_read_user(iov, sizeof(iov), (void *)vector))
		return false;
	d->pointer = iov[0];
	d->count = iov[1];
	return true;
}

/* Which part of a lookup a header is of: one question, or what answers it. */
static __always_inline u8 part_of(struct dns_header *h)
{
	if (h->questions != bpf_htons(1))
		return DNS_NEITHER;
	if ((h->flags & DNS_KIND) == DNS_QUERY)
		return h->answers || h->authorities ? DNS_NEITHER : DNS_QUESTION;
	if ((h->flags & DNS_KIND) != DNS_RESPONSE || (h->code & DNS_RCODE) > DNS_RCODE_MAX || bpf_ntohs(h->answers) > DNS_ANSWERS_MAX)
		return DNS_NEITHER;
	return DNS_ANSWER;
}

/* Puts the address that a call names in place of the other end's, which a socket that takes datagrams from anyone does not have. */
static __always_inline void read_name(struct endpoints *e, u64 name)
{
	struct {
		u16 family, port;
		u32 v4; /* of IPv6: the flow */
		u8 v6[16];
	} a = {};
	if (e->remote_port || !name || bpf_probe_read_user(&a, 8, (void *)name) || a.family != e->family)
		return;
	if (a.family == AF_INET) {
		*(u32 *)e->remote = a.v4;
	} else {
		if (bpf_probe_read_user(a.v6, sizeof(a.v6), (void *)(name + 8)))
			return;
		__builtin_memcpy(e->remote, a.v6, sizeof(a.v6));
	}
	e->remote_port = bpf_ntohs(a.port);
}

static __always_inline int emit_datagram(u64 thread, struct syscall *call, struct datagram *d, u64 size, u8 role)
{
	u32 zero = 0;
	struct record *r = bpf_map_lookup_elem(&scratch, &zero);
	if (!r)
		return 0;
	begin_record(r, EVENT_DATAGRAM, thread, call, size);
	read_name(&r->t.ends, d->name);
	r->t.sock = call->sk;
	r->t.role = role;
	u64 head = clamp(size, HEAD_MAX);
	if (head > HEAD_MAX || bpf_probe_read_user(r->bytes, head, (void *)d->pointer))
		return drop(DROP_UNREADABLE);
	r->t.head = head;
	return emit(r, sizeof(struct transfer) + head);
}

/* A datagram is about to be sent. Remembers a question whose answer would not be believed otherwise. */
static __always_inline int datagram_sent(u64 thread, struct syscall *call)
{
	struct dns_header h;
	struct datagram d;
	if (!datagram_of(call, &d) || d.count <= sizeof(h) || bpf_probe_read_user(&h, sizeof(h), (void *)d.pointer))
		return 0;
	u8 part = part_of(&h);
	if (part == DNS_NEITHER)
		return 0;
	if (part == DNS_QUESTION && !call->trusted) {
		struct dns_question q = {.sk = call->sk, .id = h.id};
		u8 one = 1;
		bpf_map_update_elem(&dns_questions, &q, &one, BPF_ANY);
	}
	return emit_datagram(thread, call, &d, d.count, part == DNS_QUESTION ? ROLE_CLIENT : ROLE_SERVER);
}

/* Several datagrams are about to be sent. */
static __always_inline int datagrams_sent(u64 thread, struct syscall *call)
{
	u64 first = call->pointer, count = call->count;
	call->source = SOURCE_MESSAGE;
	for (int i = 0; i < MESSAGES_MAX; i++) {
		if (i >= count)
			break;
		call->pointer = first + i * MMSGHDR_LEN;
		datagram_sent(thread, call);
	}
	return 0;
}

static __always_inline int datagram_received(u64 thread, struct syscall *call, u64 size)
{
	struct dns_header h;
	struct datagram d;
	if (!datagram_of(call, &d))
		return 0;
	size = clamp(size, d.count); /* MSG_TRUNC tells the size of what did not fit */
	if (size <= sizeof(h) || bpf_probe_read_user(&h, sizeof(h), (void *)d.pointer))
		return 0;
	u8 part = part_of(&h);
	if (part == DNS_NEITHER)
		return 0;
	if (part == DNS_ANSWER && !call->trusted) {
		struct dns_question q = {.sk = call->sk, .id = h.id};
		if (bpf_map_delete_elem(&dns_questions, &q))
			return 0;
	}
	return emit_datagram(thread, call, &d, size, part == DNS_QUESTION ? ROLE_SERVER : ROLE_CLIENT);
}
