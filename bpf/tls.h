/* SPDX-License-Identifier: GPL-2.0 */
/* What programs hand to OpenSSL (and BoringSSL, which has the same functions) or Go's crypto/tls to encrypt, and get from them decrypted. What such a call reads from or writes
 * to a socket meanwhile is the proof of which connection it is about, and nothing to be seen itself. */
#pragma once
#include "transfer.h"
#include <bpf/bpf_tracing.h>

static __always_inline int secure_started(struct caller *who, u64 ssl, u64 pointer, u64 length, u8 direction, u8 moves)
{
	if (is_excluded(bpf_get_current_pid_tgid() >> 32))
		return 0;
	struct secure_call call = {
		.ssl = ssl,
		.pointer = pointer,
		.length = length,
		.started = bpf_ktime_get_ns(),
		.direction = direction,
		.moves = moves,
	};
	if (!moves) { /* the handshake may be a part of the first read or write, which finds its connection by itself */
		struct secure_call *around = bpf_map_lookup_elem(&secure_calls, who);
		if (around && around->moves)
			return 0;
	}
	if (bpf_map_update_elem(&secure_calls, who, &call, BPF_ANY))
		return drop(DROP_SYSCALLS_FULL);
	return 0;
}

/* A call ended: if its session has used no socket by now, then its process encrypts into memory. */
static __always_inline void without_socket(struct session *key)
{
	u32 tgid = key->tgid;
	u8 one = 1;
	if (!bpf_map_lookup_elem(&sessions, key))
		bpf_map_update_elem(&in_memory, &tgid, &one, BPF_ANY);
}

static __always_inline int handshake_ended(struct caller *who)
{
	struct secure_call *found = bpf_map_lookup_elem(&secure_calls, who);
	if (!found || found->moves)
		return 0;
	struct session key = {.ssl = found->ssl, .tgid = bpf_get_current_pid_tgid() >> 32};
	bpf_map_delete_elem(&secure_calls, who);
	without_socket(&key);
	return 0;
}

/* Begins a session that used no socket. */
static __always_inline struct session_state *begin_in_memory(struct session *key)
{
	u64 now = bpf_ktime_get_ns();
	struct session_state s = {.told = {.id = new_id(now), .started = now, .tgid = key->tgid}};
	bpf_map_update_elem(&sessions, key, &s, BPF_ANY);
	return bpf_map_lookup_elem(&sessions, key);
}

/* A session in memory, of which the connection is not known, encrypted or decrypted something. */
static __always_inline void moved_in_memory(u64 thread, struct session *key, struct session_state *of, u8 direction, u64 size)
{
	if (direction == DIRECTION_SEND) {
		struct encrypted e = {.by = *key, .size = size};
		struct encrypted *before = bpf_map_lookup_elem(&encrypted, &thread);
		if (before && (before->several || before->by.ssl != key->ssl || before->by.tgid != key->tgid))
			e.several = 1;
		bpf_map_update_elem(&encrypted, &thread, &e, BPF_ANY);
		return;
	}
	struct records *r = bpf_map_lookup_elem(&received, &thread);
	if (!r)
		return;
	struct records was = *r;
	bpf_map_delete_elem(&received, &thread);
	struct connection *c = bpf_map_lookup_elem(&connections, &was.sk);
	if (c && !c->told && carry(was.lengths, size))
		belongs(key, of, was.sk);
}

static __always_inline int secure_ended(struct caller *who, long result)
{
	u64 thread = bpf_get_current_pid_tgid();
	struct secure_call *found = bpf_map_lookup_elem(&secure_calls, who);
	if (!found)
		return 0;
	struct secure_call secure = *found;
	bpf_map_delete_elem(&secure_calls, who);
	struct session key = {.ssl = secure.ssl, .tgid = thread >> 32};
	without_socket(&key);
	if (result <= 0 || !secure.moves)
		return 0;
	u64 size = result;
	if (secure.length && bpf_probe_read_user(&size, sizeof(size), (void *)secure.length))
		return drop(DROP_UNREADABLE);
	if (!size)
		return 0;
	struct session_state *of = bpf_map_lookup_elem(&sessions, &key);
	if (!of)
		of = begin_in_memory(&key);
	if (!of)
		return 0;
	if (!of->sk)
		moved_in_memory(thread, &key, of, secure.direction, size);
	struct connection *c = NULL, *told = &of->told;
	u64 sk = of->sk;
	if (sk) {
		c = bpf_map_lookup_elem(&connections, &sk);
		if (!c || c->id != of->id)
			return 0; /* it is closed */
	}
	if (!told->id)
		told = c;
	if (!told)
		return 0;
	struct syscall call = {
		.sk = sk,
		.cgroup = bpf_get_current_cgroup_id(),
		.pointer = secure.pointer,
		.started = secure.started,
		.direction = secure.direction,
		.source = SOURCE_BUFFER,
	};
	if (is_excluded_cgroup(call.cgroup))
		return 0;
	return transferred(thread, told, told->id | SECURE, &call, size);
}

SEC("uprobe/SSL_read")
int enter_ssl_read(struct pt_regs *ctx)
{
	struct caller who = {.id = bpf_get_current_pid_tgid()};
	return secure_started(&who, PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), 0, DIRECTION_RECEIVE, true);
}

SEC("uprobe/SSL_write")
int enter_ssl_write(struct pt_regs *ctx)
{
	struct caller who = {.id = bpf_get_current_pid_tgid()};
	return secure_started(&who, PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), 0, DIRECTION_SEND, true);
}

SEC("uprobe/SSL_read_ex")
int enter_ssl_read_ex(struct pt_regs *ctx)
{
	struct caller who = {.id = bpf_get_current_pid_tgid()};
	return secure_started(&who, PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM4(ctx), DIRECTION_RECEIVE, true);
}

SEC("uprobe/SSL_write_ex")
int enter_ssl_write_ex(struct pt_regs *ctx)
{
	struct caller who = {.id = bpf_get_current_pid_tgid()};
	return secure_started(&who, PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM4(ctx), DIRECTION_SEND, true);
}

SEC("uprobe/SSL_do_handshake")
int enter_ssl_handshake(struct pt_regs *ctx)
{
	struct caller who = {.id = bpf_get_current_pid_tgid()};
	return secure_started(&who, PT_REGS_PARM1(ctx), 0, 0, 0, false);
}

/* The address may be another session's next. */
SEC("uprobe/SSL_free")
int enter_ssl_free(struct pt_regs *ctx)
{
	struct session key = {.ssl = PT_REGS_PARM1(ctx), .tgid = bpf_get_current_pid_tgid() >> 32};
	bpf_map_delete_elem(&sessions, &key);
	return 0;
}

SEC("uretprobe/SSL")
int exit_ssl(struct pt_regs *ctx)
{
	struct caller who = {.id = bpf_get_current_pid_tgid()};
	return secure_ended(&who, (int)PT_REGS_RC(ctx));
}

SEC("uretprobe/SSL_do_handshake")
int exit_ssl_handshake(struct pt_regs *ctx)
{
	struct caller who = {.id = bpf_get_current_pid_tgid()};
	return handshake_ended(&who);
}

/* crypto/tls.(*Conn).Read and Write, as Go passes arguments since 1.17: the connection, the address and length of the slice; the first result is how much of it. A goroutine may go
 * on in another thread meanwhile, so its end is looked for at each return instruction: Go moves stacks, which return probes do not survive. */
#if defined(__TARGET_ARCH_x86)
#define GO_ARG1(regs) ((regs)->ax)
#define GO_ARG2(regs) ((regs)->bx)
#define GO_GOROUTINE(regs) ((regs)->r14)
#elif defined(__TARGET_ARCH_arm64)
#define GO_ARG1(regs) PT_REGS_PARM1(regs)
#define GO_ARG2(regs) PT_REGS_PARM2(regs)
#define GO_GOROUTINE(regs) 0 /* not found again in a system call */
#endif

static __always_inline int go_tls_started(struct pt_regs *ctx, u8 direction, u8 moves)
{
	struct caller who = {.id = GO_GOROUTINE(ctx), .tgid = bpf_get_current_pid_tgid() >> 32};
	if (!who.id)
		return 0;
	u32 tgid = who.tgid;
	u8 one = 1;
	bpf_map_update_elem(&goroutines, &tgid, &one, BPF_ANY);
	return secure_started(&who, GO_ARG1(ctx), GO_ARG2(ctx), 0, direction, moves);
}

SEC("uprobe/go_tls_read")
int enter_go_tls_read(struct pt_regs *ctx)
{
	return go_tls_started(ctx, DIRECTION_RECEIVE, true);
}

SEC("uprobe/go_tls_write")
int enter_go_tls_write(struct pt_regs *ctx)
{
	return go_tls_started(ctx, DIRECTION_SEND, true);
}

/* Of either end. A read may need no system call after it: what it returns can have come with the end of the handshake. */
SEC("uprobe/go_tls_handshake")
int enter_go_tls_handshake(struct pt_regs *ctx)
{
	return go_tls_started(ctx, 0, false);
}

SEC("uprobe/go_tls_handshake")
int exit_go_tls_handshake(struct pt_regs *ctx)
{
	struct caller who = {.id = GO_GOROUTINE(ctx), .tgid = bpf_get_current_pid_tgid() >> 32};
	return handshake_ended(&who);
}

SEC("uprobe/go_tls")
int exit_go_tls(struct pt_regs *ctx)
{
	struct caller who = {.id = GO_GOROUTINE(ctx), .tgid = bpf_get_current_pid_tgid() >> 32};
	return secure_ended(&who, (long)GO_ARG1(ctx));
}
