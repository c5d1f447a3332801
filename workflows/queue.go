package workflows

// ToolQueue is the task queue a tool belongs to, by its name alone, so that a replay asks the same queue.
func ToolQueue(tool string) string {
	switch tool {
	case "repository_tree", "read_file", "search_code", "commits_between", "diff_versions", "blame":
		return GitHubQueue
	}
	return ToolsQueue
}
