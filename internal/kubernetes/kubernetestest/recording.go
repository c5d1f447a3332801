package kubernetestest

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"
)

// recording is what the API server of a real cluster of Kubernetes 1.36 told its watches: a line per version, as it wrote it, but for
// managed fields. `MIDWATCH_CLUSTER=1 go test ./internal/kubernetes/kubernetestest -run Record -record` makes it anew.
//
//go:embed testdata/cluster.jsonl.gz
var recording []byte

// Told is one event of a watch.
type Told struct {
	Time   time.Time       `json:"time"` // when it was seen
	Type   string          `json:"type"` // ADDED, MODIFIED, DELETED
	Actor  string          `json:"actor"`
	Object json.RawMessage `json:"object"`
}

// Recording returns what was told, the oldest first: ten minutes or less in the life of the namespace shop, in which web is well and is
// rolled out anew, and every other workload is named after what is wrong with it.
func Recording() ([]Told, error) {
	r, err := gzip.NewReader(bytes.NewReader(recording))
	if err != nil {
		return nil, fmt.Errorf("read the recorded cluster: %w", err)
	}
	var all []Told
	for d := json.NewDecoder(r); d.More(); {
		var t Told
		if err := d.Decode(&t); err != nil {
			return nil, fmt.Errorf("read the recorded cluster: %w", err)
		}
		all = append(all, t)
	}
	return all, nil
}
