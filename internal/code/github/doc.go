// Package github reads and writes GitHub for package code: as an app whose tokens hold one repository and no more rights
// than the role needs, or with a token from a file. It talks to one host over https, follows no redirect to another, and
// bounds every answer, every list and every wait. docs/github.md says which rights it needs.
package github
