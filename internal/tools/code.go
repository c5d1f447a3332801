package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/investigation"
)

// Code returns the tools that read a code host. They belong to the github role, which alone reaches it; with a nil host they
// are names and schemas only. Each reads at one commit and says which.
func Code(host code.Host) []Tool {
	c := coder{host}
	return []Tool{c.repositoryTree(), c.readFile(), c.searchCode(), c.commitsBetween(), c.diffVersions(), c.blame()}
}

// coder runs the tools that read code.
type coder struct{ host code.Host }

// atArguments is the part of the arguments that says where.
type atArguments struct {
	Repository string `json:"repository"`
	Commit     string `json:"commit"`
}

func (a atArguments) validate() error {
	if _, err := code.ParseRepository(a.Repository); err != nil {
		return fmt.Errorf("%w: %w", ErrArguments, err)
	}
	if !code.IsVersion(a.Commit) {
		return fmt.Errorf("%w: commit is a commit or a tag, as deployed_code names it; branches are not read", ErrArguments)
	}
	return nil
}

// betweenArguments is the part of the arguments that names two versions.
type betweenArguments struct {
	Repository string `json:"repository"`
	Before     string `json:"before"`
	After      string `json:"after"`
}

func (a betweenArguments) validate() error {
	if err := (atArguments{a.Repository, a.Before}).validate(); err != nil {
		return err
	}
	return atArguments{a.Repository, a.After}.validate()
}

// codeTool is what the tools of this file share.
func codeTool[A interface{ validate() error }](name, description string, cost int, properties map[string]any, required []string,
	run func(ctx context.Context, a A) (Result, error),
) Tool {
	return Tool{
		Name: name, Description: description, Cost: cost, DataTypes: []investigation.DataType{investigation.Code},
		Schema: objectSchema(properties, required),
		Run: func(ctx context.Context, _ Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[A](arguments)
			if err != nil {
				return Result{}, err
			}
			r, err := run(ctx, a)
			return r, unanswerable(err)
		},
		// What a commit holds does not depend on when one looks: there is no healthy counterpart.
		Control: func(json.RawMessage, investigation.Window) (json.RawMessage, bool) { return nil, false },
	}
}

// unanswerable marks errors that asking again does not change.
func unanswerable(err error) error {
	var limited *code.RateLimited
	if errors.Is(err, code.ErrNotFound) || errors.Is(err, code.ErrNotAllowed) || errors.Is(err, code.ErrTooLarge) ||
		errors.Is(err, code.ErrUnsafe) || errors.As(err, &limited) {
		return fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	return err
}

// objectSchema is the JSON schema of arguments that hold no window.
func objectSchema(properties map[string]any, required []string) json.RawMessage {
	b, err := json.Marshal(map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false})
	if err != nil {
		panic(fmt.Sprintf("a schema holds only strings, booleans and maps: %v", err))
	}
	return b
}

// atProperties are those of atArguments and more.
func atProperties(more map[string]any) map[string]any {
	p := map[string]any{
		"repository": text("owner/name, as deployed_code names it"),
		"commit":     text("commit or tag to read at, as deployed_code names it"),
	}
	for name, property := range more {
		p[name] = property
	}
	return p
}

func betweenProperties(more map[string]any) map[string]any {
	p := map[string]any{
		"repository": text("owner/name, as deployed_code names it"),
		"before":     text("commit or tag of the version that ran before"),
		"after":      text("commit or tag of the version that ran after"),
	}
	for name, property := range more {
		p[name] = property
	}
	return p
}

// at turns a version into the one commit that is read.
func (c coder) at(ctx context.Context, a atArguments) (code.At, error) {
	repo := code.Repository(a.Repository)
	if code.IsSHA(a.Commit) {
		return code.At{Repository: repo, Commit: a.Commit}, nil
	}
	found, err := c.host.Commit(ctx, repo, a.Commit)
	return code.At{Repository: repo, Commit: found.SHA}, err
}

// between turns two versions into commits.
func (c coder) between(ctx context.Context, a betweenArguments) (repo code.Repository, before, after string, err error) {
	first, err := c.at(ctx, atArguments{a.Repository, a.Before})
	if err != nil {
		return "", "", "", err
	}
	second, err := c.at(ctx, atArguments{a.Repository, a.After})
	return first.Repository, first.Commit, second.Commit, err
}

func readAt(at code.At, what string) string {
	return fmt.Sprintf("%s at commit %s only: %s", at.Repository, at.Commit, what)
}
