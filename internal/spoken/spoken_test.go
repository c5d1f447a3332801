package spoken_test

import (
	"slices"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/spoken"
)

// now is 14:30 of a Sunday, two hours east of Greenwich.
var now = time.Date(2026, 3, 1, 14, 30, 0, 0, time.FixedZone("", 2*3600))

func TestWindow(t *testing.T) {
	for question, want := range map[string]string{
		"why was checkout slow at 03:12?":              "01 03:12:00 - 01 03:27:00",
		"why did it fail around 3:12 pm":               "28 15:12:00 - 28 15:27:00", // has not come yet today
		"what happened at 14:29":                       "01 14:29:00 - 01 14:30:00",
		"what broke since 14:00?":                      "01 14:00:00 - 01 14:30:00",
		"cart fails since yesterday 22:10":             "28 22:10:00 - 01 14:30:00",
		"slow since noon":                              "01 12:00:00 - 01 14:30:00",
		"errors in the last hour":                      "01 13:30:00 - 01 14:30:00",
		"errors in the LAST 30 minutes.":               "01 14:00:00 - 01 14:30:00",
		"the past 2h were bad; past 2 hours":           "01 12:30:00 - 01 14:30:00",
		"yesterday 22:10 payment was down":             "28 22:10:00 - 28 22:25:00",
		"was it down at 22:10 yesterday?":              "28 22:10:00 - 28 22:25:00",
		"between 09:00 and 09:45 all was slow":         "01 09:00:00 - 01 09:45:00",
		"from 23:50 to 00:20 nothing answered":         "28 23:50:00 - 01 00:20:00",
		"it broke 20 minutes ago":                      "01 14:10:00 - 01 14:25:00",
		"it broke an hour ago":                         "01 13:30:00 - 01 13:45:00",
		"at 12am and at 3pm":                           "01 00:00:00 - 01 00:15:00",
		"why is checkout slow?":                        "",
		"what is at 127.0.0.1:8080?":                   "",
		"at 25:00":                                     "",
		"at 10:75":                                     "",
		"at 13 pm":                                     "",
		"since version 1.2 payment fails":              "",
		"the last 9999 days":                           "",
		"the last 0 minutes":                           "",
		"why does GET /at 5 take so long":              "",
		"is port 5432 open, and 10:00 o'clock no time": "",
	} {
		w, ok := spoken.Window(question, now)
		got := ""
		if ok {
			const layout = "02 15:04:05"
			got = w.From.In(now.Location()).Format(layout) + " - " + w.To.In(now.Location()).Format(layout)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", question, got, want)
		}
	}
}

func TestMisread(t *testing.T) {
	for question, want := range map[string][]string{
		"why was it slow at 25:99?":                      {"25:99"},
		"between 9:61 and 10:00, and at 13 pm":           {"9:61", "13 pm"},
		"from 25:00 26:00":                               {"25:00", "26:00"},
		"what broke at 2026-03-01 10:00?":                {"2026-03-01"},
		"the last 9999 days":                             {"last 9999 days"},
		"since 14:00, in the last hour":                  nil,
		"what is at 127.0.0.1:8080, or [::1]:99, or 1:2": nil,
		"since version 1.2 payment fails":                nil,
		"why is checkout slow?":                          nil,
	} {
		if got := spoken.Misread(question, now); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", question, got, want)
		}
	}
}

func TestServices(t *testing.T) {
	known := []string{"checkout", "cart", "redis-server", "shop.payment", "at"}
	for question, want := range map[string]struct{ found, unknown []string }{
		"Why is CHECKOUT slow, and cart?":           {[]string{"checkout", "cart"}, nil},
		"checkouts and mycart are other words":      {nil, nil},
		"is redis-server full? and redis?":          {[]string{"redis-server"}, nil},
		"shop.payment.":                             {[]string{"shop.payment"}, nil},
		`is "billing" slow because of "cart"?`:      {[]string{"cart"}, []string{"billing"}},
		"is `ledger-api` known, or “users”?":        {nil, []string{"ledger-api", "users"}},
		`he said "it is slow" and that's that's it`: {nil, nil},
	} {
		found, unknown := spoken.Services(question, known)
		if !slices.Equal(found, want.found) || !slices.Equal(unknown, want.unknown) {
			t.Errorf("%q: %v and unknown %v", question, found, unknown)
		}
	}
}

// FuzzWindow: whatever is asked, a window is one, and past.
func FuzzWindow(f *testing.F) {
	f.Add("between 09:00 and 09:45 pm yesterday since 99:99:99 last 1 days ago")
	f.Fuzz(func(t *testing.T, question string) {
		w, ok := spoken.Window(question, now)
		if ok && (!w.From.Before(w.To) || w.To.After(now)) {
			t.Errorf("%q: %v", question, w)
		}
		spoken.Services(question, []string{"cart"})
		spoken.Misread(question, now)
	})
}
