package model

import _ "embed"

// system is the system prompt: the same in every stage and turn, so that a provider can cache it.
//
//go:embed system.md
var system string
