package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/activities/action"
	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/code/github"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/privacy"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
	"github.com/midwatch/midwatch/workflows"
)

// PullRequestStore is what PullRequests needs of the metadata store.
type PullRequestStore interface {
	FixStore
	Pseudonyms(ctx context.Context, investigation string) (*privacy.Map, error)
	KnownNames(ctx context.Context, environment string) (*privacy.Known, error)
}

var _ PullRequestStore = (*metadata.DB)(nil)

// PullRequests makes drafts of code exact, and looks what became of them. It is the github role's and only reads; the apply
// role publishes.
type PullRequests struct {
	DB      PullRequestStore
	Host    code.Host
	Watcher code.Watcher
	Quorum  investigation.Quorum
	// SameCulprit is Prepare's.
	SameCulprit time.Duration

	Key   []byte   // what the pseudonyms in a pull request follow from
	Hosts []string // machine names that must not leave
}

const (
	// maxPullFile bounds a file that is changed, maxPullDiff what an approver has to read, in bytes.
	maxPullFile = 256 << 10
	maxPullDiff = 48 << 10
	maxTitle    = 100
)

// Prepare is Prepare.Fix for a draft that changes code: it reads the files at the commit that ran, applies the edits, and
// stores the fix with every byte that will be published.
func (a *PullRequests) Prepare(ctx context.Context, id string) (workflows.FixRef, error) {
	defer alive(ctx)()
	return a.prepare(ctx, id)
}

func (a *PullRequests) prepare(ctx context.Context, id string) (workflows.FixRef, error) {
	stored, err := a.DB.Fix(ctx, workflows.FixID(id))
	if err == nil {
		return fixRef(stored), nil
	}
	if !errors.Is(err, metadata.ErrNotFound) {
		return workflows.FixRef{}, err
	}
	inv, err := a.DB.Investigation(ctx, id)
	if err != nil {
		return workflows.FixRef{}, final(err)
	}
	if inv.Report == nil || inv.Report.Fix == nil || inv.Report.Fix.Code == nil {
		return workflows.FixRef{Invalid: "the report proposes no change of code"}, nil
	}
	fix, err := a.exact(ctx, inv)
	if why := impossible(err); why != "" {
		return workflows.FixRef{Invalid: why}, nil
	}
	if err != nil {
		return workflows.FixRef{}, err
	}
	return (&Prepare{DB: a.DB, Quorum: a.Quorum, SameCulprit: a.SameCulprit}).offer(ctx, inv, fix)
}

// impossible says why a draft can never become a fix, or "".
func impossible(err error) string {
	for _, sentinel := range []error{action.ErrDraft, code.ErrNotFound, code.ErrNotAllowed, code.ErrTooLarge, code.ErrUnsafe} {
		if errors.Is(err, sentinel) {
			return err.Error()
		}
	}
	return ""
}

// exact makes the fix.
func (a *PullRequests) exact(ctx context.Context, inv metadata.Investigation) (investigation.Fix, error) {
	names, err := a.DB.Pseudonyms(ctx, inv.Request.ID)
	if err != nil {
		return investigation.Fix{}, err
	}
	evidence, err := a.DB.EvidenceList(ctx, inv.Request.ID)
	if err != nil {
		return investigation.Fix{}, err
	}
	draft := resolved(*inv.Report.Fix.Code, names)
	if err := read(draft, evidence); err != nil {
		return investigation.Fix{}, err
	}
	if err := owned(draft, inv.Report.Culprit, evidence); err != nil {
		return investigation.Fix{}, err
	}
	service := []investigation.Parameter{{Name: "service", Type: investigation.ServiceParameter}}
	err = known(investigation.Action{Parameters: service}, map[string]string{"service": draft.Service}, inv, evidence)
	if err != nil {
		return investigation.Fix{}, err
	}
	at := code.At{Repository: code.Repository(draft.Repository), Commit: draft.Commit}
	known, err := a.DB.KnownNames(ctx, inv.Request.Environment)
	if err != nil {
		return investigation.Fix{}, err
	}
	outbound, err := leaving{a.Key, inv.Request.Environment, names, known, a.Hosts}.outbound(inv.Request.Triggers, culprit(inv.Report), draft.Service)
	if err != nil {
		return investigation.Fix{}, err
	}
	files, diff, err := a.edit(ctx, at, draft.Edits, outbound)
	if err != nil {
		return investigation.Fix{}, err
	}
	base, err := a.Host.Base(ctx, at.Repository)
	if err != nil {
		return investigation.Fix{}, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	fix := investigation.Fix{
		ID: workflows.FixID(inv.Request.ID), Incident: inv.Request.Incident, Investigation: inv.Request.ID, Environment: inv.Request.Environment,
		Action: string(investigation.OpenPullRequest), Kind: investigation.OpenPullRequest, Parameters: map[string]string{"service": draft.Service},
		Preconditions: map[string]string{"commit": draft.Commit}, Target: string(telemetry.Service(draft.Service)), Why: inv.Report.Fix.Why,
		CreatedAt: now, Status: workflows.FixAwaiting,
	}
	fix.PullRequest = &investigation.PullRequest{
		Repository: draft.Repository, Base: base, Commit: draft.Commit, Branch: code.BranchPrefix + fix.ID,
		Title: pullTitle(outbound(draft.Title)), Body: pullBody(*inv.Report, fix, at, outbound), Files: files, At: now,
	}
	fix.Content = fmt.Sprintf("pull request on %s: %s (branch %s from commit %.12s, into %s)\n\n%s",
		draft.Repository, fix.PullRequest.Title, fix.PullRequest.Branch, draft.Commit, base, diff)
	return fix, nil
}

// resolved is a draft that names what is really in the files, where a model knows only the pseudonyms. What it writes anew is
// published and stays: a name would leave there.
func resolved(c investigation.CodeChange, names *privacy.Map) investigation.CodeChange {
	c.Service = names.Resolve(c.Service)
	c.Edits = slices.Clone(c.Edits)
	for i := range c.Edits {
		e := &c.Edits[i]
		e.Path, e.Old = names.Resolve(e.Path), names.Resolve(e.Old)
	}
	return c
}

// read refuses a change of what nobody looked at: the commit must be one that the investigation read.
func read(c investigation.CodeChange, evidence []investigation.Evidence) error {
	if _, err := code.ParseRepository(c.Repository); err != nil || !code.IsSHA(c.Commit) || strings.TrimSpace(c.Title) == "" || len(c.Edits) == 0 {
		return fmt.Errorf("%w: it needs a repository, a whole commit, a title and edits", action.ErrDraft)
	}
	for _, e := range evidence {
		var source result.Source
		if e.Error == "" && slices.Contains(e.DataTypes, investigation.Code) && json.Unmarshal(e.Result, &source) == nil &&
			strings.EqualFold(source.Repository, c.Repository) && source.Commit == c.Commit {
			return nil
		}
	}
	return fmt.Errorf("%w: no evidence was read from %s at commit %s", action.ErrDraft, c.Repository, c.Commit)
}

// owned refuses a change of code that is not known to be the service's, or, of a culprit that is a service, not the culprit's.
func owned(c investigation.CodeChange, culprit telemetry.Entity, evidence []investigation.Evidence) error {
	if culprit.Kind() == "service" && culprit.Name() != c.Service {
		return fmt.Errorf("%w: it changes %s, the culprit is %s", action.ErrDraft, c.Service, culprit.Name())
	}
	for _, e := range evidence {
		var d result.DeployedCode
		if e.Tool == "deployed_code" && e.Error == "" && json.Unmarshal(e.Result, &d) == nil && d.Service == c.Service && strings.EqualFold(d.Repository, c.Repository) {
			return nil
		}
	}
	return fmt.Errorf("%w: no evidence says that %s is built from %s", action.ErrDraft, c.Service, c.Repository)
}

// removedSecret is what a model sees for a secret. A change that writes it would put it where the secret was.
const removedSecret = "[secret:"

// edit applies edits to the files of a commit and shows the difference.
func (a *PullRequests) edit(ctx context.Context, at code.At, edits []investigation.CodeEdit, outbound func(string) string) ([]investigation.FileChange, string, error) {
	var files []investigation.FileChange
	before := map[string]string{}
	for _, e := range edits {
		i := slices.IndexFunc(files, func(f investigation.FileChange) bool { return f.Path == e.Path })
		if i < 0 {
			f, err := a.open(ctx, at, e)
			if err != nil {
				return nil, "", err
			}
			files, i, before[e.Path] = append(files, f), len(files), f.Content
		}
		if err := writable(before[e.Path], e, outbound); err != nil {
			return nil, "", err
		}
		if err := apply(&files[i], e); err != nil {
			return nil, "", err
		}
	}
	var diff strings.Builder
	for _, f := range files {
		patch, _, _ := github.Patch(before[f.Path], f.Content)
		if patch == "" {
			return nil, "", fmt.Errorf("%w: %s is not changed", action.ErrDraft, f.Path)
		}
		fmt.Fprintf(&diff, "--- a/%[1]s\n+++ b/%[1]s\n%[2]s", f.Path, patch)
	}
	if diff.Len() > maxPullDiff {
		return nil, "", fmt.Errorf("%w: a difference of %d bytes is too much to approve, at most %d", action.ErrDraft, diff.Len(), maxPullDiff)
	}
	return files, diff.String(), nil
}

// open reads the file that an edit changes, or begins a new one.
func (a *PullRequests) open(ctx context.Context, at code.At, e investigation.CodeEdit) (investigation.FileChange, error) {
	if err := code.Writable(e.Path, "100644"); err != nil {
		return investigation.FileChange{}, fmt.Errorf("%w: %w", action.ErrDraft, err)
	}
	f, err := a.Host.File(ctx, at, e.Path)
	switch {
	case e.Old == "" && errors.Is(err, code.ErrNotFound):
		return investigation.FileChange{Path: e.Path, Mode: "100644"}, nil
	case err != nil:
		return investigation.FileChange{}, err
	case e.Old == "":
		return investigation.FileChange{}, fmt.Errorf("%w: %s is there already; what of it is to be replaced?", action.ErrDraft, e.Path)
	case !code.IsText(f.Content):
		return investigation.FileChange{}, fmt.Errorf("%w: %s is not a text", action.ErrDraft, e.Path)
	}
	return investigation.FileChange{Path: e.Path, Mode: f.Mode, Before: f.Blob, Content: string(f.Content)}, nil
}

// writable refuses text that would publish what is taken out of everything else that leaves: a pseudonym, which means nothing
// in a file, a secret, or a name that does not stand in the file already.
func writable(before string, e investigation.CodeEdit, outbound func(string) string) error {
	if privacy.Mentions(e.New) {
		return fmt.Errorf("%w: the change of %s writes a pseudonym", action.ErrDraft, e.Path)
	}
	published := outbound(e.New)
	if strings.Contains(published, removedSecret) {
		return fmt.Errorf("%w: the change of %s writes a secret, or the mark of a removed one", action.ErrDraft, e.Path)
	}
	there := privacy.PseudonymsIn(outbound(before))
	for _, name := range privacy.PseudonymsIn(published) {
		if !slices.Contains(there, name) {
			return fmt.Errorf("%w: the change of %s writes %s, a name that is not in the file", action.ErrDraft, e.Path, name)
		}
	}
	return nil
}

// apply replaces exactly one piece of a file.
func apply(f *investigation.FileChange, e investigation.CodeEdit) error {
	if e.Old == "" && f.Content == "" {
		f.Content = e.New
	} else if n := strings.Count(f.Content, e.Old); e.Old == "" || n != 1 {
		return fmt.Errorf("%w: what is to be replaced in %s is there %d times, not once", action.ErrDraft, e.Path, n)
	} else {
		f.Content = strings.Replace(f.Content, e.Old, e.New, 1)
	}
	if len(f.Content) > maxPullFile || !code.IsText([]byte(f.Content)) {
		return fmt.Errorf("%w: %s would be no text, or larger than %d bytes", action.ErrDraft, e.Path, maxPullFile)
	}
	return nil
}

// State looks what became of a fix that was published.
func (a *PullRequests) State(ctx context.Context, id string) (workflows.PullRequestState, error) {
	defer alive(ctx)()
	fix, err := a.DB.Fix(ctx, id)
	if err != nil {
		return workflows.PullRequestState{}, final(err)
	}
	if fix.PullRequest == nil {
		return workflows.PullRequestState{}, refused(fmt.Errorf("fix %s is no pull request", id))
	}
	p, err := a.Watcher.State(ctx, *fix.PullRequest)
	if err != nil {
		return workflows.PullRequestState{}, err
	}
	return workflows.PullRequestState{Merged: p.Merged, Closed: !p.Merged && !p.Open, Commit: p.Merge, By: p.By, At: p.Ended}, nil
}

// Contains tells whether a commit holds the merged fix.
func (a *PullRequests) Contains(ctx context.Context, in workflows.ContainsInput) (bool, error) {
	defer alive(ctx)()
	fix, err := a.DB.Fix(ctx, in.Fix)
	if err != nil {
		return false, final(err)
	}
	if fix.PullRequest == nil {
		return false, refused(fmt.Errorf("fix %s is no pull request", in.Fix))
	}
	repo := code.Repository(fix.PullRequest.Repository)
	deployed, err := a.Host.Commit(ctx, repo, in.Deployed)
	if errors.Is(err, code.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	between, err := a.Host.Commits(ctx, repo, in.Merge, deployed.SHA)
	if errors.Is(err, code.ErrNotFound) {
		return false, nil
	}
	return between.Relation == "ahead" || between.Relation == "identical", err
}
