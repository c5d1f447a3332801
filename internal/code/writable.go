package code

import (
	"fmt"
	"strings"
)

// Writable refuses files that decide what runs elsewhere: a change of a workflow runs with the repository's secrets as soon
// as its branch is there, before anybody reviewed it on the code host.
func Writable(path, mode string) error {
	clean, err := CleanPath(path)
	if err != nil || clean != path || clean == "" {
		return fmt.Errorf("%q is not the path of a file", path)
	}
	if mode != "100644" && mode != "100755" {
		return fmt.Errorf("%s: mode %q is not that of a file", path, mode)
	}
	for part := range strings.SplitSeq(strings.ToLower(clean), "/") {
		switch part {
		case ".git", ".gitmodules", ".gitattributes", ".github", "codeowners", ".circleci", ".gitlab-ci.yml", ".gitlab", ".travis.yml", "jenkinsfile",
			".buildkite", ".tekton", ".semaphore", ".woodpecker", ".woodpecker.yml", ".drone.yml", ".drone.star", ".cirrus.yml", ".cirrus.star",
			"appveyor.yml", ".appveyor.yml", "azure-pipelines.yml", "azure-pipelines.yaml", ".azure-pipelines", "bitbucket-pipelines.yml",
			"cloudbuild.yaml", "cloudbuild.yml", "buildspec.yml", "buildspec.yaml", "wercker.yml", ".husky":
			return fmt.Errorf("%s: Midwatch does not change what the code host or its builds obey", path)
		}
	}
	return nil
}
