// Package api is the HTTP interface of Midwatch: the JSON API, the live events, the web UI, the way to the Temporal UI
// and the codec that opens its payloads. It reads the metadata store and runs tools; the only thing it changes in the
// world is to sign an approval and to signal a workflow. README.md lists the routes.
//
// A request passes guard (host, headers, origin), identify (token or session), then the front of its route (role, sizes,
// decoding, audit, errors), then a handler of a few lines.
package api
