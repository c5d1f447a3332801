package ingest_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/midwatch/midwatch/ingest"
	"github.com/midwatch/midwatch/ingest/ingesttest"
	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

func TestAnIngesterTellsWhatBecameOfTheRules(t *testing.T) {
	kept := rules.States{At: time.Unix(1_700_000_000, 0).UTC(), Rules: []rules.State{{Name: "shop/deep", Series: 3, Raised: 1}}}
	var trouble error
	conn := ingesttest.Client(t, storetest.Open(t), func(c *ingest.Config) {
		c.RuleStates = func(context.Context) ([]byte, error) {
			b, err := json.Marshal(kept)
			return b, errors.Join(err, trouble)
		}
	})
	ask := func() (s rules.States, err error) {
		var answer wrapperspb.BytesValue
		if err := conn.Invoke(t.Context(), "/"+rules.StatesService+"/"+rules.StatesMethod, &emptypb.Empty{}, &answer); err != nil {
			return s, err
		}
		return s, json.Unmarshal(answer.GetValue(), &s)
	}
	got, err := ask()
	if s, ok := got.Of("shop/deep"); err != nil || !ok || s != kept.Rules[0] || !got.At.Equal(kept.At) {
		t.Errorf("%+v, %v", got, err)
	}
	trouble = errors.New("the metadata store is away")
	if _, err := ask(); status.Code(err) != codes.Unavailable {
		t.Errorf("%v", err)
	}
}
