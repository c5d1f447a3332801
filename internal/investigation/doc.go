// Package investigation is the vocabulary of incidents: trigger, investigation, turn, evidence, claim, check, report,
// fix and approval, as they cross between workflows, activities, the sandboxed step, the metadata store and the api.
// Plain data with JSON tags; no I/O, no clock.
package investigation
