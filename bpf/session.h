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

/* :: thread -> the call of the library it is in */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct secure_call);
} secure_calls SEC(".maps");

/* A session of the library: the address of its state, in a process. */
struct session {
	u64 ssl;
	u64 tgid;
};
struct session_connection {
	u64 sk, id;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct session);
	__type(value, struct session_connection);
} sessions SEC(".maps");

