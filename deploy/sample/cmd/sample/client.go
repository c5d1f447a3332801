package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"
)

// ask sends RATE requests a second to TARGET until ctx ends. An answer that is slow delays none of the next.
func ask(ctx context.Context) error {
	target := os.Getenv("TARGET")
	if target == "" {
		return errors.New("TARGET is needed: the base URL of a server")
	}
	rate, err := variable("RATE", 10)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: 10 * time.Second}}
	tick := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer tick.Stop()
	under := make(chan struct{}, 64)
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		select {
		case under <- struct{}{}:
			go func() {
				defer func() { <-under }()
				if err := get(ctx, client, fmt.Sprintf("%s/items/%d", target, n%1000)); err != nil && ctx.Err() == nil {
					slog.Warn("request failed", "error", err)
				}
			}()
		default: // too many under way
		}
	}
}

func get(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", resp.Status)
	}
	return err
}
