package native

import "github.com/midwatch/midwatch/sandbox/profile"

// EnterContainer puts this process under the filter that container runtimes use by default.
func EnterContainer() error { return loadFilter(profile.Container()) }
