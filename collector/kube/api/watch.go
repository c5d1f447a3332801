package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"strconv"
)

// Kinds of watch events.
const (
	Added    = "ADDED"
	Modified = "MODIFIED"
	Deleted  = "DELETED"
	Bookmark = "BOOKMARK" // nothing but a resource version that was reached
)

// Event is one event of a watch. Object is the handler's to keep.
type Event struct {
	Type   string          `json:"type"`
	Object json.RawMessage `json:"object"`
}

// watchSeconds is how long the server is asked to keep a watch open, at least; a new one goes on where it ended.
const watchSeconds = 300

// Watch hands every change after a resource version to each until the server ends the watch (nil), ctx ends or something fails. ErrExpired
// means that the version is too old.
func (c *Client) Watch(ctx context.Context, r Resource, version string, each func(Event) error) error {
	path, err := r.path()
	if err != nil {
		return err
	}
	resp, err := c.get(ctx, path+"/"+r.Name, url.Values{
		"watch": {"true"}, "allowWatchBookmarks": {"true"}, "resourceVersion": {version},
		"timeoutSeconds": {strconv.Itoa(watchSeconds + rand.IntN(watchSeconds))},
	}, r.Metadata)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	d := json.NewDecoder(resp.Body)
	for {
		var e Event
		if err := d.Decode(&e); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("watch %s: %w", r, err)
		}
		if e.Type == "ERROR" {
			return status(0, nil, bytes.NewReader(e.Object))
		}
		if err := each(e); err != nil {
			return err
		}
	}
}
