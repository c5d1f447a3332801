package change

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/collector/host"
)

func TestAContainersLinksStayInIt(t *testing.T) {
	outside, root := filepath.Join(t.TempDir(), "shadow"), t.TempDir()
	for file, text := range map[string]string{outside: "the host's", filepath.Join(root, "app.conf"): "its own"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"out.conf": outside, "in.conf": "/app.conf", "up.conf": "../../../../../../../../" + outside} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{"/app.conf": "its own", "/in.conf": "its own", "/out.conf": "", "/up.conf": "", "/../" + outside: ""} {
		got := ""
		if f, err := openIn(root, path); err == nil {
			b, _ := io.ReadAll(f)
			_ = f.Close()
			got = string(b)
		}
		if got != want {
			t.Errorf("%s: read %q, want %q", path, got, want)
		}
	}
}

func TestOnlyWhatTheProcessMayReadIsRead(t *testing.T) {
	shadow := &unix.Stat_t{Mode: unix.S_IFREG | 0o640, Uid: 0, Gid: 42}
	for _, c := range []struct {
		who  host.User
		file *unix.Stat_t
		want bool
	}{
		{host.User{}, shadow, true},
		{host.User{UID: 1000, GID: 1000}, shadow, false},
		{host.User{UID: 1000, GID: 42}, shadow, true},
		{host.User{UID: 1000, GID: 1000}, &unix.Stat_t{Mode: 0o644}, true},
		{host.User{UID: 1000, GID: 1000}, &unix.Stat_t{Mode: 0o600, Uid: 1000}, true},
		{host.User{UID: 1000, GID: 1000}, &unix.Stat_t{Mode: 0o044, Uid: 1000, Gid: 1000}, false},
	} {
		if got := mayRead(c.who, c.file); got != c.want {
			t.Errorf("%+v may read a file of %d:%d with mode %o: %v", c.who, c.file.Uid, c.file.Gid, c.file.Mode, got)
		}
	}
	table, err := host.NewTable(host.TableConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if me, ok := table.User(table.Get(os.Getpid())); !ok || int(me.UID) != os.Geteuid() || int(me.GID) != os.Getegid() {
		t.Errorf("this process acts as %+v, %v", me, ok)
	}
}

func TestWhatIsWrittenJustBeforeAStartIsNotTheProcesss(t *testing.T) {
	started := time.Now()
	for after, own := range map[time.Duration]bool{
		-time.Minute: false, -time.Millisecond: false,
		5 * time.Millisecond:   false, // the start is known to a tick: it may have been later
		100 * time.Millisecond: true, ownWriting + time.Second: false,
	} {
		f := &file{Stamp: stamp{Modified: started.Add(after).UnixNano()}, process: &host.Process{Started: started}}
		if f.writtenAtStart() != own {
			t.Errorf("written %s after the start: own %v, want %v", after, !own, own)
		}
	}
}
