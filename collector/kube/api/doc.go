// Package api lists and watches Kubernetes resources as the API server tells them: raw JSON, one object at a time, so that a list of thirty
// thousand pods is never in memory at once and fields nobody knows yet are not lost. Authentication is client-go's.
package api
