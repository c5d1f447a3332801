/* SPDX-License-Identifier: GPL-2.0 */
/* What programs hand to OpenSSL (and BoringSSL, which has the same functions) to encrypt, and get from it decrypted. What such a call reads from or writes to a socket meanwhile
 * is the proof of which connection it is about, and nothing to be seen itself. */
#pragma once
#include "transfer.h"
#include <bpf/bpf_tracing.h>

static __always_inline int secure_started(u64 ssl, u64 pointer, u64 length, u8 direction, u8 moves)
{
	u64 thread = bpf_get_current_pid_tgid();
	if (is_excluded(thread >> 32))
		return 0;
	struct secure_call call = {
		.ssl = ssl,
		.pointer = pointer,
		.length = length,
		.started = bpf_ktime_get_ns(),
		.direction = direction,
		.moves = moves,
	};
	if (bpf_map_update_elem(&secure_calls, &thread, &call, BPF_ANY))
		return drop(DROP_SYSCALLS_FULL);
	return 0;
}

static __always_inline int secure_ended(int result)
{
	u64 thread = bpf_get_current_pid_tgid();
	struct secure_call *found = bpf_map_lookup_elem(&secure_calls, &thread);
	if (!found)
		return 0;
	struct secure_call secure = *found;
	bpf_map_delete_elem(&secure_calls, &thread);
	if (result <= 0 || !secure.moves)
		return 0;
	u64 size = result;
	if (secure.length && bpf_probe_read_user(&size, sizeof(size), (void *)secure.length))
		return drop(DROP_UNREADABLE);
	struct session key = {.ssl = secure.ssl, .tgid = thread >> 32};
	struct session_connection *of = bpf_map_lookup_elem(&sessions, &key);
	if (!of || !size)
		return 0;
	u64 sk = of->sk;
	struct connection *c = bpf_map_lookup_elem(&connections, &sk);
	if (!c || c->id != of->id)
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
	return transferred(thread, c, c->id | SECURE, &call, size);
}

SEC("uprobe/SSL_read")
int enter_ssl_read(struct pt_regs *ctx)
{
	return secure_started(PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), 0, DIRECTION_RECEIVE, true);
}

SEC("uprobe/SSL_write")
int enter_ssl_write(struct pt_regs *ctx)
{
	return secure_started(PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), 0, DIRECTION_SEND, true);
}

SEC("uprobe/SSL_read_ex")
int enter_ssl_read_ex(struct pt_regs *ctx)
{
	return secure_started(PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM4(ctx), DIRECTION_RECEIVE, true);
}

SEC("uprobe/SSL_write_ex")
int enter_ssl_write_ex(struct pt_regs *ctx)
{
	return secure_started(PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM4(ctx), DIRECTION_SEND, true);
}

SEC("uprobe/SSL_do_handshake")
int enter_ssl_handshake(struct pt_regs *ctx)
{
	return secure_started(PT_REGS_PARM1(ctx), 0, 0, 0, false);
}

SEC("uretprobe/SSL")
int exit_ssl(struct pt_regs *ctx)
{
	return secure_ended(PT_REGS_RC(ctx));
}
