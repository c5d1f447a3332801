/* SPDX-License-Identifier: GPL-2.0 */
/* Answers of DNS among the datagrams a process receives. The header alone decides, whatever the port: whoever parses
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

/* Finds the first buffer of a call: what is asked and answered over DNS is in one. */
static __always_inline bool first_buffer(struct syscall *call, u64 *pointer, u64 *count)
{
	u64 vector, buffers, iov[2];
	*pointer = call->pointer;
	*count = call->count;
	if (call->source == SOURCE_BUFFER)
		return true;
	if (call->source == SOURCE_FILE || !vector_of(call, &vector, &buffers) || !buffers || bpf_probe_read_user(iov, sizeof(iov), (void *)vector))
		return false;
	*pointer = iov[0];
	*count = iov[1];
	return true;
}

/* A datagram is about to be sent: remembers a question whose answer would not be believed otherwise. */
static __always_inline int datagram_sent(struct syscall *call)
{
	struct dns_header h;
	u64 pointer, count;
	if (call->trusted || !first_buffer(call, &pointer, &count) || count <= sizeof(h) || bpf_probe_read_user(&h, sizeof(h), (void *)pointer))
		return 0;
	if ((h.flags & DNS_KIND) != DNS_QUERY || h.questions != bpf_htons(1) || h.answers || h.authorities)
		return 0;
	struct dns_question q = {.sk = call->sk, .id = h.id};
	u8 one = 1;
	bpf_map_update_elem(&dns_questions, &q, &one, BPF_ANY);
	return 0;
}

/* Tells whether a datagram that was received answers a question: with records, or with a failure. */
static __always_inline bool answers_question(struct dns_header *h, struct syscall *call)
{
	if ((h->flags & DNS_KIND) != DNS_RESPONSE || h->questions != bpf_htons(1))
		return false;
	u8 code = h->code & DNS_RCODE;
	u16 answers = bpf_ntohs(h->answers);
	if (code > DNS_RCODE_MAX || answers > DNS_ANSWERS_MAX || (!code && !answers))
		return false;
	if (call->trusted)
		return true;
	struct dns_question q = {.sk = call->sk, .id = h->id};
	return !bpf_map_delete_elem(&dns_questions, &q);
}

static __always_inline int datagram_received(u64 thread, struct syscall *call, u64 size)
{
	struct dns_header h;
	u64 pointer, count;
	if (!first_buffer(call, &pointer, &count))
		return 0;
	size = clamp(size, count); /* MSG_TRUNC tells the size of what did not fit */
	if (size <= sizeof(h) || bpf_probe_read_user(&h, sizeof(h), (void *)pointer) || !answers_question(&h, call))
		return 0;
	u32 zero = 0;
	struct record *r = bpf_map_lookup_elem(&scratch, &zero);
	if (!r)
		return 0;
	begin_record(r, EVENT_DATAGRAM, thread, call, size);
	r->t.sock = 0;
	r->t.role = ROLE_CLIENT;
	u64 head = clamp(size, HEAD_MAX);
	if (head > HEAD_MAX || bpf_probe_read_user(r->bytes, head, (void *)pointer))
		return drop(DROP_UNREADABLE);
	r->t.head = head;
	return emit(r, sizeof(struct transfer) + head);
}
