package main

import "context"

// phase is a moment of an investigation, and who may be killed in it.
type phase struct {
	name string
	// victims are who may be killed, whoever has most to lose first.
	victims []part
	// strike begins the investigation, brings it to the moment, holds it there, and kills. It returns an error if the moment was missed.
	strike func(ctx context.Context, r *run, victim part) error
}

// phases is all of them, in the order of a night.
func phases() []phase {
	return []phase{
		{"the incident is being stored", []part{orchestrate, workflow}, incidentOpens},
		{"a step runs in the sandbox", []part{analyst, sandboxRole, orchestrate, workflow}, stepRuns},
		{"the model call is not in the ledger yet", []part{modelRole}, callNotBegun},
		{"the model has the request", []part{modelRole, orchestrate, sandboxRole, workflow, theStore, theAPI, applyRole}, callInFlight},
		{"the model answered, not committed", []part{modelRole}, answerNotCommitted},
		{"the answer is committed, Temporal not told", []part{modelRole, workflow}, answerCommitted},
		{"a tool call runs", []part{orchestrate, theStore, workflow}, toolRuns},
		{"evidence is about to be stored", []part{orchestrate}, evidenceNotStored},
		{"evidence is stored, Temporal not told", []part{orchestrate, workflow}, evidenceStored},
		{"the healthy time is asked about", []part{orchestrate, theStore, workflow}, controlRuns},
		{"the report is verified", []part{analyst, sandboxRole, workflow}, reportVerified},
		{"the fix awaits approval", []part{workflow, orchestrate, theAPI, applyRole, theStore, modelRole, sandboxRole}, fixAwaits},
		{"approved while it is away", []part{applyRole, orchestrate, workflow, theAPI}, approvedWhileAway},
		{"the approval is not spent yet", []part{applyRole, workflow}, approvalNotSpent},
		{"the fix is applied", []part{applyRole, workflow, orchestrate, theAPI, theStore}, fixRuns},
		{"the fix ran, its outcome not recorded", []part{applyRole}, outcomeNotRecorded},
		{"its outcome is recorded, Temporal not told", []part{applyRole, workflow}, outcomeRecorded},
		{"recovery is watched", []part{orchestrate, workflow, theStore}, recoveryWatched},
	}
}
