package kafka

import "github.com/hashicorp/golang-lru/v2/simplelru"

// Topics are the names of topics by their ids, which no two topics share. Not safe for concurrent use.
type Topics struct {
	names *simplelru.LRU[[16]byte, string]
}

// NewTopics returns an empty memory of at most max topics.
func NewTopics(max int) *Topics {
	names, err := simplelru.NewLRU[[16]byte, string](max, nil)
	if err != nil {
		panic(err) // max is a constant of the caller's
	}
	return &Topics{names}
}

// learn notes what a topic is called. The first name stands: a topic that is named anew has another id.
func (t *Topics) learn(id [16]byte, name string) {
	if _, known := t.names.Get(id); !known {
		t.names.Add(id, name)
	}
}

// name is what a topic is called, or "" if nobody told.
func (t *Topics) name(k topicKey) string {
	if k.name != "" {
		return k.name
	}
	name, _ := t.names.Get(k.id)
	return name
}
