package kafka

// maxSessions is more fetch sessions than a connection has.
const maxSessions = 8

// sessions are the fetch sessions of a connection, by their ids: a Fetch within one names only the topics of which something changed.
type sessions map[int32]session

// session is the one topic that a fetch session is about, if it is one.
type session struct {
	topic topicKey
	one   bool
}

// begin notes what a session is about.
func (s sessions) begin(id int32, topic topicKey, one bool) {
	if _, known := s[id]; !known && len(s) >= maxSessions {
		clear(s)
	}
	s[id] = session{topic, one}
}

// more returns what a Fetch within a session is about. Of a session whose beginning was not seen, that is the topic it names until it names another.
func (s sessions) more(f *found) (topicKey, bool) {
	of, known := s[f.sessionID]
	if f.topics == 0 {
		return of.topic, of.one
	}
	named, one := f.only()
	if !known {
		of = session{named, one}
	}
	of.one = of.one && one && of.topic == named
	s.begin(f.sessionID, of.topic, of.one)
	return of.topic, of.one
}
