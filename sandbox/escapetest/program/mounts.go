package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func mounts() map[string]attempt {
	return map[string]attempt{
		"mount tmpfs":      func() error { return unix.Mount("t", "/", "tmpfs", 0, "") },
		"mount proc":       func() error { return unix.Mount("p", "/", "proc", 0, "") },
		"mount bind":       func() error { return unix.Mount("/", "/", "", unix.MS_BIND, "") },
		"mount overlay":    func() error { return unix.Mount("o", "/", "overlay", 0, "lowerdir=/") },
		"remount writable": func() error { return unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND, "") },
		"umount":           func() error { return unix.Unmount("/", unix.MNT_DETACH) },
		"pivot_root":       func() error { return unix.PivotRoot(".", ".") },
		"chroot":           func() error { return unix.Chroot("/") },
		"fsopen":           func() error { _, err := unix.Fsopen("tmpfs", 0); return err },
		"fspick":           func() error { _, err := unix.Fspick(unix.AT_FDCWD, "/", 0); return err },
		"fsmount":          func() error { _, err := unix.Fsmount(0, 0, 0); return err },
		"open_tree":        func() error { _, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE); return err },
		"move_mount":       func() error { return unix.MoveMount(unix.AT_FDCWD, "/", unix.AT_FDCWD, "/", 0) },
		"mount_setattr":    mountSetattr,
		"mknod character":  func() error { return unix.Mknod("/c", unix.S_IFCHR|0o666, 0x101) },
		"mknod block":      func() error { return unix.Mknod("/b", unix.S_IFBLK|0o666, 0xfe00) },
		"mknodat in tmp":   func() error { return unix.Mknodat(unix.AT_FDCWD, "/tmp/c", unix.S_IFCHR|0o666, 0x101) },
		"swapon":           func() error { return path(unix.SYS_SWAPON, "/x", 0) },
		"swapoff":          func() error { return path(unix.SYS_SWAPOFF, "/x", 0) },
		"quotactl":         call(unix.SYS_QUOTACTL, 0, 0, 0, 0),
		"acct":             func() error { return unix.Acct("/x") },
		"fanotify":         func() error { _, err := unix.FanotifyInit(unix.FAN_CLASS_NOTIF, unix.O_RDONLY); return err },
	}
}

func mountSetattr() error {
	return unix.MountSetattr(unix.AT_FDCWD, "/", 0, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY})
}

// path makes a system call whose first argument is a path.
func path(nr uintptr, name string, args ...uintptr) error {
	p, err := unix.BytePtrFromString(name)
	if err != nil {
		return err
	}
	return raw(nr, append([]uintptr{uintptr(unsafe.Pointer(p))}, args...)...)
}
