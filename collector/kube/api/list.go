package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
)

// List hands every object of a resource to each, page by page, and returns the resource version from which a watch goes on. The bytes are
// each's to keep. The list is what the cluster held at that one moment; ErrExpired means that it took so long that the moment was
// forgotten.
func (c *Client) List(ctx context.Context, r Resource, each func(raw []byte) error) (version string, err error) {
	path, err := r.path()
	if err != nil {
		return "", err
	}
	params := url.Values{"limit": {strconv.Itoa(pageSize)}}
	for {
		page, err := c.page(ctx, path+"/"+r.Name, params, r.Metadata, each)
		if err != nil {
			return "", err
		}
		if page.Continue == "" {
			return page.ResourceVersion, nil
		}
		params.Set("continue", page.Continue)
	}
}

// Version is the resource version that a resource has reached.
func (c *Client) Version(ctx context.Context, r Resource) (string, error) {
	path, err := r.path()
	if err != nil {
		return "", err
	}
	page, err := c.page(ctx, path+"/"+r.Name, url.Values{"limit": {"1"}}, true, func([]byte) error { return nil })
	return page.ResourceVersion, err
}

type listMeta struct {
	ResourceVersion string `json:"resourceVersion"`
	Continue        string `json:"continue"`
}

func (c *Client) page(ctx context.Context, path string, params url.Values, metadata bool, each func([]byte) error) (meta listMeta, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxPageTime)
	defer cancel()
	resp, err := c.get(ctx, path, params, metadata)
	if err != nil {
		return meta, err
	}
	defer resp.Body.Close()
	if err := readPage(resp.Body, &meta, each); err != nil {
		return meta, fmt.Errorf("read a list of the Kubernetes API: %w", err)
	}
	return meta, nil
}

// readPage decodes a list without ever holding more than one item of it.
func readPage(body io.Reader, meta *listMeta, each func([]byte) error) error {
	d := json.NewDecoder(body)
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		switch key {
		case "metadata":
			err = d.Decode(meta)
		case "items":
			err = readItems(d, each)
		default:
			err = d.Decode(new(json.RawMessage))
		}
		if err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func readItems(d *json.Decoder, each func([]byte) error) error {
	open, err := d.Token()
	if err != nil || open == nil { // null: no items
		return err
	}
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		if err := each(raw); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}
