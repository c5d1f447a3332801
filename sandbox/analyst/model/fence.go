package model

import (
	"strings"

	"github.com/midwatch/midwatch/internal/privacy"
)

// fence marks recorded text as data, under a name the model can refer to. Nothing in the text can end the fence; the
// redaction that follows outside of the sandbox knows the form and fences what it changed anew.
func fence(name, text string) string { return privacy.Fence(name, strings.TrimSuffix(text, "\n")) }
