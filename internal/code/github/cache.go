package github

import (
	"container/list"
	"sync"
)

// maxCached bounds what is kept of trees and files, in bytes. Both are named by the digest of their content and never change.
const maxCached = 64 << 20

// cache keeps what was used last.
type cache struct {
	mu    sync.Mutex
	space int
	order *list.List               // of entry, the latest used first
	byKey map[string]*list.Element // :: key → entry
}

type entry struct {
	key   string
	value any
	size  int
}

func newCache(space int) *cache {
	return &cache{space: space, order: list.New(), byKey: map[string]*list.Element{}}
}

func (c *cache) get(key string) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(entry).value, true
}

// put keeps a value of about size bytes, at the cost of what was not used for longest.
func (c *cache) put(key string, value any, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.byKey[key]; there || size > c.space/2 {
		return
	}
	c.byKey[key] = c.order.PushFront(entry{key, value, size})
	for c.space -= size; c.space < 0; {
		last := c.order.Remove(c.order.Back()).(entry)
		delete(c.byKey, last.key)
		c.space += last.size
	}
}
