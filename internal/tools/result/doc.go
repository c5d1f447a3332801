// Package result holds the structured results of the tools: what evidence is made of, what checks and the built-in
// analyst read, what the api and MCP return. Plain data with snake_case JSON; the package imports no store, so that it
// may be used inside the sandbox.
//
// Lists are never null and have a stable order. Durations are milliseconds (_ms), rates are per second (_per_s), memory
// is bytes (_bytes), shares are 0..1. A ratio whose denominator is zero is 0, which means unknown.
package result
