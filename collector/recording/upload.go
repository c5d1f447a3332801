package recording

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"golang.org/x/sync/errgroup"
)

// uploads is how many batches are on their way at once: an ingester stores together what comes together, and answers after.
const uploads = 64

// Upload sends what play gives to an OTLP/HTTP endpoint, https://host:port, as fast as that takes it and in no order. It returns
// when all of it is stored, or with the first error; a batch that is refused in part is one.
func Upload(ctx context.Context, client *http.Client, url string, play func(func(Batch) error) error) error {
	posts, ctx := errgroup.WithContext(ctx)
	posts.SetLimit(uploads)
	err := play(func(b Batch) error {
		body, err := b.OTLP()
		if err != nil {
			return err
		}
		posts.Go(func() error { return post(ctx, client, url+"/v1/"+string(b.Signal), body) })
		return ctx.Err()
	})
	return errors.Join(posts.Wait(), err)
}

func post(ctx context.Context, client *http.Client, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	if res.StatusCode != http.StatusOK || len(answer) > 0 { // an empty answer: all of it is stored
		return fmt.Errorf("%s: %s %q", url, res.Status, answer)
	}
	return nil
}
