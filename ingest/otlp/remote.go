package otlp

import (
	"fmt"

	"github.com/midwatch/midwatch/ingest/remotewrite"
)

// Written is how much of a request of remote write is stored, points without value included.
type Written struct{ Samples, Histograms, Exemplars int }

// refuse takes away rows of a table.
func (w *Written) refuse(table string, n int) {
	switch table {
	case SamplesTable:
		w.Samples -= n
	case histogramsTable, exponentialsTable:
		w.Histograms -= n
	case exemplarsTable:
		w.Exemplars -= n
	}
}

// addRemote adds what Prometheus wrote. Its errors wrap ErrMalformed.
func (r *Rows) addRemote(q Request) error {
	if err := r.plant(remotewrite.Size(q.Remote, q.Body)); err != nil {
		return err
	}
	in, err := remotewrite.Translate(q.Remote, q.Body)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	kept := func() int { return r.Tally.Stored + r.Tally.Noted[noRecordedValue] }
	before := kept()
	r.addMetrics(in.Samples)
	r.Written.Samples = kept() - before - in.Alone
	before = kept()
	r.addMetrics(in.Histograms)
	r.Written.Histograms = kept() - before
	r.Written.Exemplars = in.Exemplars
	for why, n := range in.Rejected {
		for range n {
			r.Tally.reject(Reason(why))
		}
	}
	return nil
}
