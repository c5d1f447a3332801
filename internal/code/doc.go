// Package code is what investigations need of a code host: the repository of a service at the commit that ran, never at a
// branch, and pull requests with approved fixes. Package github implements it.
package code
