// Package object turns a Kubernetes object as the API server tells it into what is kept of it: without noise, with credentials
// masked, comparable with the version before. Pure functions over decoded JSON, so that fields nobody knows yet are kept, too.
package object
