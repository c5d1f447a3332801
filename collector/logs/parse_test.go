package logs

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	at := time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)
	for _, c := range []struct {
		line, level string
		time        time.Time
		fields      map[string]string
	}{
		{
			`{"time":"2026-11-22T01:02:03Z","level":"error","msg":"no","n":3,"http":{"status":500,"h":{"a":1}},"ok":true}`, "ERROR", at,
			map[string]string{"msg": "no", "n": "3", "http.status": "500", "http.h": `{"a":1}`, "ok": "true"},
		},
		{`time=2026-11-22T01:02:03Z level=WARN msg="pool \"main\" full" size=8`, "WARN", at, map[string]string{"msg": `pool "main" full`, "size": "8"}},
		{`ts=1795309323 lvl=info msg=ok`, "INFO", at, map[string]string{"msg": "ok"}},
		{`2026-11-22 01:02:03.000 UTC [71] ERROR:  relation "x" does not exist`, "ERROR", at, nil},
		{`2026-11-22 01:02:03 UTC LOG:  ready`, "INFO", at, nil},
		{`12345:M 22 Nov 2026 01:02:03.456 # Warning: OOM command not allowed`, "WARN", time.Time{}, nil},
		{`E1122 01:02:03.000000 1 main.go:1] broken`, "ERROR", time.Time{}, nil},
		{`<3>kernel: bad`, "ERROR", time.Time{}, nil},
		{`[error] 12#12: upstream timed out`, "ERROR", time.Time{}, nil},
		{`panic: assignment to entry in nil map`, "FATAL", time.Time{}, nil},
		{`nothing to see, a=b`, "", time.Time{}, nil},
		{`no errors were found`, "", time.Time{}, nil},
		{`{broken json`, "", time.Time{}, nil},
		{``, "", time.Time{}, nil},
	} {
		got := parse(c.line)
		if got.level != c.level || !got.time.Equal(c.time) {
			t.Errorf("%s: level %q at %s", c.line, got.level, got.time)
		}
		var fields map[string]string
		for _, f := range got.rest {
			if fields == nil {
				fields = map[string]string{}
			}
			fields[f.key] = f.value
		}
		if diff := cmp.Diff(c.fields, fields); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", c.line, diff)
		}
	}
}

func TestJoin(t *testing.T) {
	lines := []string{
		"2026-11-22 01:02:03 ERROR failed", "java.lang.RuntimeException: x", "\tat a.b(C.java:1)", "Caused by: y", "\t... 3 more",
		"2026-11-22 01:02:04 INFO ok",
		"panic: boom", "", "goroutine 1 [running]:", "main.main()", "\t/src/main.go:3 +0x1", "exit status 2",
		"level=info msg=next",
		"Traceback (most recent call last):", `  File "a.py", line 1`, "ValueError: x",
		"", "level=info msg=last",
	}
	var got []int
	var j joiner
	emit := func(r record) {
		if !r.empty {
			got = append(got, 1+countLines(r.text))
		}
	}
	for _, l := range lines {
		j.line(l, 0, time.Now(), emit)
	}
	j.flush(emit)
	// The exception's own line is not indented: it starts a record, and what belongs to it follows.
	if diff := cmp.Diff([]int{1, 4, 1, 6, 1, 3, 1}, got); diff != "" {
		t.Errorf("lines per record (-want +got):\n%s", diff)
	}
}

func countLines(s string) (n int) {
	for _, c := range s {
		if c == '\n' {
			n++
		}
	}
	return n
}

func TestDecodeJournal(t *testing.T) {
	line := `{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1795309323000000","_PID":"7","PRIORITY":"3","_SYSTEMD_UNIT":"cron.service","SYSLOG_IDENTIFIER":"CRON","MESSAGE":"no"}`
	e, ok := decode([]byte(line), time.Now())
	if !ok || e.name != "cron" || e.level != "ERROR" || e.pid != 7 || e.text != "no" || e.cursor != "s=1;i=2" || e.at.Unix() != 1795309323 {
		t.Errorf("entry %+v", e)
	}
	e, ok = decode([]byte(`{"MESSAGE":[104,105,255],"SYSLOG_IDENTIFIER":"x"}`), time.Now())
	if !ok || e.text != "hi\uFFFD" || e.name != "x" {
		t.Errorf("entry %+v", e)
	}
	if _, ok := decode([]byte(`{"MESSAGE":null}`), time.Now()); ok {
		t.Error("an entry without a message")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":{"b":[1]}}`, `a=b c="d`, `=`, `a="\u12"`, `<999>x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if p := parse(s); len(p.rest) > maxFields {
			t.Errorf("%d fields", len(p.rest))
		}
	})
}
