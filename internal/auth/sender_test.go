package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/metadata/metadatatest"
)

// eventually waits until the senders' tokens, which are read every second, are as is said.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what, "does not come true")
		}
	}
}

func TestSenders(t *testing.T) {
	db, ctx := metadatatest.Open(t), t.Context()
	limits := metadata.Limits{BytesPerSecond: 1, RequestsPerSecond: 2, Series: 3}
	create := func(g auth.Grant) string {
		t.Helper()
		text, _, err := auth.Create(ctx, db, g)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	shop := create(auth.Grant{Subject: "shop", Role: auth.Sender, Environment: "prod", Limits: limits})
	other := create(auth.Grant{Subject: "other", Role: auth.Sender, Environment: "test"})
	expired := create(auth.Grant{Subject: "old", Role: auth.Sender, Environment: "test", ExpiresAt: time.Now().Add(-time.Second)})
	admin := create(auth.Grant{Subject: "ada", Role: auth.Admin})
	senders := auth.NewSenders(db, nil)
	if _, err := senders.Authenticate(shop); !errors.Is(err, auth.ErrNotKnown) || errors.Is(err, auth.ErrUnauthenticated) {
		t.Fatalf("before the tokens are read: %v", err)
	}
	go func() { _ = senders.Run(ctx) }()
	eventually(t, "a token that works", func() bool { _, err := senders.Authenticate(shop); return err == nil })

	who, err := senders.Authenticate(shop)
	if err != nil || who.Subject != "shop" || who.Environment != "prod" || who.Limits != limits {
		t.Fatalf("%+v, %v", who, err)
	}
	id, secret := strings.Split(shop, "_")[1], strings.Split(other, "_")[2]
	for _, wrong := range []string{
		"", "mw_", "mw__", "mw_" + id, "mw_" + id + "_", "mw_" + id + "_" + secret, shop + "0", shop[:len(shop)-1], strings.ToUpper(shop), shop[3:],
		"Bearer " + shop, admin, expired, strings.Repeat("mw_", 1000),
	} {
		if _, err := senders.Authenticate(wrong); !errors.Is(err, auth.ErrUnauthenticated) {
			t.Errorf("token %.20q: %v", wrong, err)
		}
	}
	if err := db.RevokeToken(ctx, who.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a revoked token that no longer works", func() bool {
		_, err := senders.Authenticate(shop)
		return errors.Is(err, auth.ErrUnauthenticated)
	})
	if _, err := senders.Authenticate(other); err != nil {
		t.Errorf("the other's token: %v", err)
	}
}

// away is a metadata store that answers once.
type away struct{ asked int }

func (a *away) TokensOf(context.Context, string) ([]metadata.Token, error) {
	if a.asked++; a.asked > 1 {
		return nil, errors.New("the store is away")
	}
	return nil, nil
}

func TestKnownSendersOutliveAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		senders := auth.NewSenders(&away{}, nil)
		go func() { _ = senders.Run(t.Context()) }()
		time.Sleep(4 * time.Minute)
		if _, err := senders.Authenticate("mw_a_b"); !errors.Is(err, auth.ErrUnauthenticated) {
			t.Errorf("after four minutes: %v", err)
		}
		time.Sleep(2 * time.Minute)
		if _, err := senders.Authenticate("mw_a_b"); !errors.Is(err, auth.ErrNotKnown) {
			t.Errorf("after six minutes: %v", err)
		}
	})
}

func TestSenderMayNothingElse(t *testing.T) {
	for _, needed := range []auth.Role{auth.Viewer, auth.Operator, auth.Approver, auth.Admin, auth.Reporter} {
		if auth.Sender.Allows(needed) {
			t.Errorf("a sender may what needs %s", needed)
		}
		if needed.Allows(auth.Sender) {
			t.Errorf("%s may send telemetry", needed)
		}
	}
	db := metadatatest.Open(t)
	text, _, err := auth.Create(t.Context(), db, auth.Grant{Subject: "shop", Role: auth.Sender, Environment: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := auth.OpenSession(t.Context(), db, text); !errors.Is(err, auth.ErrUnauthenticated) {
		t.Errorf("a sender's token opened a browser's session: %v", err)
	}
}
