package investigation

import "strings"

// WrittenPrefix begins the rule of a trigger that people wrote in PromQL, so that it is never taken for one of Midwatch's own detectors.
const WrittenPrefix = "rule/"

// Written tells whether people wrote a trigger's rule.
func Written(rule string) bool { return strings.HasPrefix(rule, WrittenPrefix) }

// Rules by which what a cluster or a kernel says of one workload, or of one node, raises triggers of the kind ClusterEvent.
const (
	RuleOOMKill        = "oom_kill"
	RuleCrashLoop      = "crash_loop"
	RuleImagePull      = "image_pull"
	RuleContainerStart = "container_start"
	RulePending        = "pending"
	RuleProbe          = "failing_probe"
	RuleEvicted        = "evicted"
	RuleNode           = "node"
	RuleJobFailed      = "job_failed"
	RuleStuckRollout   = "stuck_rollout"
	RuleQuota          = "quota"
	RuleCeiling        = "autoscaler_ceiling"
)

// Rules that raise anomalies.
const (
	RuleMemoryGrowth = "memory_growth"
	RuleStarvation   = "cpu_starvation" // its peers are who waits for the CPU that it takes
)
