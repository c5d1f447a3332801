// Package activities is every side effect the workflows cause, a struct for each kind with what it needs injected. Each
// activity takes one typed input, is safe to repeat, and returns references and lines of text; contents go to the metadata
// store. Timeouts, retries and heartbeats are in one table, in package workflows.
package activities
