package supervisor

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// identity is the ordinary user a child runs as. The zero value is whoever runs the supervisor.
type identity struct {
	name     string
	uid, gid uint32
}

// ordinary finds the first of the users that exists. Only root can become somebody else.
func ordinary(names ...string) (identity, error) {
	if os.Geteuid() != 0 {
		return identity{}, nil
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return identity{name, uint32(uid), uint32(gid)}, nil
		}
	}
	return identity{}, fmt.Errorf("none of the users %v exists: create one, or run the shop as an ordinary user", names)
}

func (i identity) credential() *syscall.Credential {
	if i.name == "" {
		return nil
	}
	return &syscall.Credential{Uid: i.uid, Gid: i.gid}
}

// own gives path to i.
func (i identity) own(path string) error {
	if i.name == "" {
		return nil
	}
	return os.Chown(path, int(i.uid), int(i.gid))
}

// mkdir makes a directory that belongs to i.
func (i identity) mkdir(path string, mode os.FileMode) error {
	if err := os.MkdirAll(path, mode); err != nil {
		return err
	}
	if err := os.Chmod(path, mode); err != nil {
		return err
	}
	return i.own(path)
}

// reaches says whether i may pass through every directory above and including dir.
func (i identity) reaches(dir string) error {
	if i.name == "" {
		return nil
	}
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		mine := ok && (st.Uid == i.uid && info.Mode()&0o100 != 0 || st.Gid == i.gid && info.Mode()&0o010 != 0)
		if info.Mode()&0o001 == 0 && !mine {
			return fmt.Errorf("user %s may not enter %s: choose a directory open to all with --dir, such as one under /var/tmp", i.name, at)
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}
