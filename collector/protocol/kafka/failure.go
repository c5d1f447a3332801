package kafka

import (
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// Errors that are treated unlike the others.
const (
	notLeaderOrFollower = 6
	rebalanceInProgress = 27
	unsupportedVersion  = 35
	memberIDRequired    = 79
)

// isNews tells of an error that is how things are meant to go: a broker names the versions it has, gives a member its id, or calls its members together.
func isNews(key, code int16) bool {
	switch key {
	case keyApiVersions:
		return code == unsupportedVersion
	case keyJoinGroup:
		return code == memberIDRequired
	case keyHeartbeat:
		return code == rebalanceInProgress
	}
	return false
}

// fail notes the error that an answer tells.
func fail(c *protocol.Call, key, code int16) {
	if code == 0 {
		return
	}
	c.Status = strconv.Itoa(int(code))
	if isNews(key, code) {
		return
	}
	c.Failed, c.ErrorType = true, c.Status
	if e := kerr.TypedErrorForCode(code); e != nil && e.Code == code {
		c.ErrorType, c.Error = e.Message, template.Cut(e.Description, protocol.MaxError)
	}
	if code == notLeaderOrFollower {
		c.ErrorType = "NOT_LEADER_OR_FOLLOWER" // as it is called since a consumer may ask a follower
	}
}
