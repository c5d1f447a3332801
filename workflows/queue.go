package workflows

// RunProgramTool is the tool that runs a program over evidence: the sandbox's, not the store's.
const RunProgramTool = "run_program"

// ToolQueue is the task queue a tool belongs to, by its name alone, so that a replay asks the same queue.
func ToolQueue(tool string) string {
	switch tool {
	case "repository_tree", "read_file", "search_code", "commits_between", "diff_versions", "blame":
		return GitHubQueue
	case RunProgramTool:
		return SandboxQueue
	}
	return ToolsQueue
}
