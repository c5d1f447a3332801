// Package wire is what crosses between the api and its clients: the JSON of /api/v1, for api, api/client and the CLI.
// Times are RFC 3339 in UTC, durations in *_ms are milliseconds. The OpenAPI document (api/openapi.json) is made from it.
package wire
