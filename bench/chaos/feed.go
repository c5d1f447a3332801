package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/midwatch/midwatch/collector/recording"
	"github.com/midwatch/midwatch/deploy/demo"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// feed sends the recording to the ingester, which answers when it is in the store.
func (s *stack) feed(ctx context.Context, address string) error {
	id, err := pki.Load(s.path("pki"), pki.CLI)
	if err != nil {
		return err
	}
	transport := &http.Transport{TLSClientConfig: id.Client(pki.Ingester)}
	defer transport.CloseIdleConnections()
	sender := &http.Client{Transport: transport, Timeout: time.Minute}
	file, err := demo.Recording(fault)
	if err != nil {
		return err
	}
	waiting := map[telemetry.Signal]*recording.Batch{}
	batches := map[telemetry.Signal]int{}
	send := func(signal telemetry.Signal) error {
		body, err := waiting[signal].OTLP()
		delete(waiting, signal)
		if err != nil {
			return err
		}
		return post(ctx, sender, "https://"+address+"/v1/"+string(signal), body)
	}
	err = recording.Each(bytes.NewReader(file), s.began, func(b recording.Batch) error {
		if first := waiting[b.Signal]; first != nil {
			first.Append(b)
		} else {
			waiting[b.Signal] = &b
		}
		if batches[b.Signal]++; batches[b.Signal]%parcel == 0 {
			return send(b.Signal)
		}
		return nil
	})
	for signal := range waiting {
		err = errors.Join(err, send(signal))
	}
	return err
}

// parcel is how many batches are sent as one: each costs the store a commit.
const parcel = 40

func post(ctx context.Context, sender *http.Client, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	res, err := sender.Do(req)
	if err != nil {
		return fmt.Errorf("store the recording: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || len(answer) > 0 {
		return fmt.Errorf("store the recording: %s %q %w", res.Status, answer, err)
	}
	return nil
}
