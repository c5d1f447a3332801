/* SPDX-License-Identifier: GPL-2.0 */
/* Processes: which ones to leave alone, and their beginning and end. */
#pragma once
#include "event.h"
#include <bpf/bpf_core_read.h>

#define SIGNAL_GROUP_EXIT 0x4

/* Process ids whose conversations are left out; user space fills it with Midwatch's own. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u8);
} excluded SEC(".maps");

/* The same by cgroup id, for whole containers. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u8);
} excluded_cgroups SEC(".maps");

static __always_inline bool is_excluded(u32 tgid)
{
	return bpf_map_lookup_elem(&excluded, &tgid) != NULL;
}

static __always_inline bool is_excluded_cgroup(u64 cgroup)
{
	return bpf_map_lookup_elem(&excluded_cgroups, &cgroup) != NULL;
}

static __always_inline u64 start_of(struct task_struct *leader)
{
	if (bpf_core_field_exists(leader->start_boottime))
		return BPF_CORE_READ(leader, start_boottime);
	return BPF_CORE_READ((struct task_struct___before_5_5 *)leader, real_start_time);
}

SEC("tracepoint/sched/sched_process_exec")
int process_exec(struct trace_event_raw_sched_process_exec *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct exec e = {
		.h = {.kind = EVENT_EXEC, .tgid = bpf_get_current_pid_tgid() >> 32, .time = bpf_ktime_get_ns()},
		.cgroup = bpf_get_current_cgroup_id(),
		.started = start_of(BPF_CORE_READ(task, group_leader)),
		.parent = BPF_CORE_READ(task, real_parent, tgid),
	};
	bpf_get_current_comm(e.comm, sizeof(e.comm));
	bpf_probe_read_kernel_str(e.path, sizeof(e.path), (u8 *)ctx + (ctx->__data_loc_filename & 0xffff));
	return emit(&e, sizeof(e));
}

static __always_inline int process_exited(struct task_struct *task, u32 tgid)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct exit e = {
		.h = {.kind = EVENT_EXIT, .tgid = tgid, .time = bpf_ktime_get_ns()},
		.cgroup = bpf_get_current_cgroup_id(),
		.started = start_of(leader),
		.parent = BPF_CORE_READ(leader, real_parent, tgid),
		.status = BPF_CORE_READ(leader, exit_code),
	};
	/* What a parent's wait() sees: the group's code after exit_group or a deadly signal, else the leader's. */
	if (BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT)
		e.status = BPF_CORE_READ(signal, group_exit_code);
	bpf_get_current_comm(e.comm, sizeof(e.comm));
	bpf_map_delete_elem(&excluded, &tgid);
	return emit(&e, sizeof(e));
}

SEC("tracepoint/oom/mark_victim")
int oom_mark_victim(struct trace_event_raw_mark_victim *ctx)
{
	struct oom_kill e = {.h = {.kind = EVENT_OOM_KILL, .tgid = ctx->pid, .time = bpf_ktime_get_ns()}};
	if (bpf_core_field_exists(ctx->anon_rss)) {
		e.total_vm = ctx->total_vm;
		e.anon_rss = ctx->anon_rss;
		e.file_rss = ctx->file_rss;
		e.shmem_rss = ctx->shmem_rss;
		bpf_probe_read_kernel_str(e.comm, sizeof(e.comm), (char *)ctx + (ctx->__data_loc_comm & 0xffff));
	}
	return emit(&e, sizeof(e));
}
