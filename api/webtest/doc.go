// Command webtest serves the web UI over the real api and a real metadata store in a temporary directory, with canned
// telemetry and a workflow engine that plays its part by the clock. It is for working on the web UI and for its browser
// test:
//
//	npm run --prefix api/web build && go run ./api/webtest
//
// It prints the address and a token of each role, as shell assignments.
package main
