package home

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// viaFD calls use with a short path to the directory of path, because a Unix address holds 107 bytes.
func viaFD[T any](path string, use func(short string) (T, error)) (T, error) {
	fd, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		var none T
		return none, fmt.Errorf("open %s: %w", filepath.Dir(path), err)
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	return use(fmt.Sprintf("/proc/self/fd/%d/%s", fd, filepath.Base(path)))
}

// DialUnix connects to the Unix socket at path, however long it is.
func DialUnix(ctx context.Context, path string) (net.Conn, error) {
	return viaFD(path, func(short string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", short)
	})
}

// ListenUnix listens at path, for the owner only. A socket left by a dead process is replaced.
func ListenUnix(ctx context.Context, path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return viaFD(path, func(short string) (net.Listener, error) {
		l, err := (&net.ListenConfig{}).Listen(ctx, "unix", short)
		if err != nil {
			return nil, err
		}
		l.(*net.UnixListener).SetUnlinkOnClose(false) // the short name is gone by then
		return l, os.Chmod(path, 0o600)
	})
}

func chownLike(file string, info os.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(file, int(st.Uid), int(st.Gid))
}
