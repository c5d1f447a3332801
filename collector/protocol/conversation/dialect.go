package conversation

import (
	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/http1"
)

// dialect is a protocol the tracker can follow.
type dialect struct {
	// opens tells whether a connection that begins with b speaks it.
	opens func(b []byte) bool
	// resumes tells the same of bytes from the middle of a connection whose ends are unknown: only what cannot be an
	// answer counts.
	resumes func(b []byte) bool
	parse   func(emit func(protocol.Call)) protocol.Parser
}

func dialects() []dialect {
	return []dialect{
		{http1.Recognize, http1.Recognize, func(emit func(protocol.Call)) protocol.Parser { return http1.New(emit) }},
	}
}
