package kafka

// maxSessions is more fetch sessions than a connection has.
const maxSessions = 8

// sessions are the fetch sessions that were begun on a connection: a Fetch within one says only which topics changed. :: its id → the one topic it is about
type sessions map[int32]topicKey

// begin notes what a session is about.
func (s sessions) begin(id int32, topic topicKey) {
	if len(s) >= maxSessions {
		clear(s)
	}
	s[id] = topic
}

// more returns what a Fetch within a session is about: what it names, which may be new to the session, else what the session is about.
func (s sessions) more(f *found) (topicKey, bool) {
	topic, ok := s[f.sessionID]
	if f.topics == 0 {
		return topic, ok
	}
	named, one := f.only()
	if !one || named != topic {
		delete(s, f.sessionID)
	}
	return named, one
}
