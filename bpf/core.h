/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel types the programs read, cut to the fields used. Offsets are relocated when a program is loaded (CO-RE), so
 * the order and the gaps here mean nothing. */
#pragma once

#define __VMLINUX_H__ 1 /* bpf_tracing.h then uses the kernel's names of registers */
#include <linux/bpf.h>

typedef _Bool bool;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef int pid_t;
enum { false, true };

#ifndef NULL
#define NULL ((void *)0)
#endif

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	u64 regs[31], sp, pc, pstate;
};
struct pt_regs {
	struct user_pt_regs user_regs;
	u64 orig_x0;
	s32 syscallno;
};
#endif

struct ns_common {
	u32 inum;
};
struct net {
	struct ns_common ns;
};
typedef struct {
	struct net *net;
} possible_net_t;
struct in6_addr {
	union {
		u8 u6_addr8[16];
	} in6_u;
};
struct sock_common {
	u32 skc_daddr, skc_rcv_saddr;
	u16 skc_dport, skc_num;
	u16 skc_family;
	volatile u8 skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};
struct sock {
	struct sock_common __sk_common;
	u16 sk_protocol;
	int sk_err;
};
struct tcp_sock {
	u32 copied_seq, write_seq;
};
struct socket {
	struct sock *sk;
};
struct inode {
	u16 i_mode;
};
struct file {
	struct inode *f_inode;
	void *private_data;
};
struct fdtable {
	u32 max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
typedef struct {
	int counter;
} atomic_t;
struct signal_struct {
	atomic_t live;
	int group_exit_code;
	u32 flags;
};
struct thread_struct {
	unsigned long fsbase; /* of x86 */
};
struct task_struct {
	struct thread_struct thread;
	pid_t pid, tgid;
	struct files_struct *files;
	struct signal_struct *signal;
	struct task_struct *real_parent, *group_leader;
	int exit_code;
	u64 start_boottime;
};
struct task_struct___before_5_5 {
	u64 real_start_time;
};

struct trace_entry {
	u16 type;
	u8 flags, preempt_count;
	int pid;
};
struct trace_event_raw_sys_enter {
	struct trace_entry ent;
	long id;
	unsigned long args[6];
};
struct trace_event_raw_sys_exit {
	struct trace_entry ent;
	long id, ret;
};
struct trace_event_raw_inet_sock_set_state {
	struct trace_entry ent;
	const void *skaddr;
	int oldstate, newstate;
	u16 sport, dport, family, protocol;
};
struct trace_event_raw_sched_process_exec {
	struct trace_entry ent;
	u32 __data_loc_filename;
};
struct trace_event_raw_mark_victim {
	struct trace_entry ent;
	int pid;
	u32 __data_loc_comm;
	unsigned long total_vm, anon_rss, file_rss, shmem_rss;
};

#pragma clang attribute pop
