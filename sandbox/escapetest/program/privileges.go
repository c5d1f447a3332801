package main

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

func privileges() map[string]attempt {
	return map[string]attempt{
		"who it is":          func() error { return seen(fmt.Sprintf("uid %d gid %d", os.Getuid(), os.Getgid())) },
		"capabilities":       capabilities,
		"bounding set":       bounding,
		"no_new_privs":       value("no_new_privs", unix.PR_GET_NO_NEW_PRIVS),
		"seccomp mode":       value("mode", unix.PR_GET_SECCOMP),
		"clear no_new_privs": func() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) },
		"raise ambient": func() error {
			return unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, unix.CAP_SYS_ADMIN, 0, 0)
		},
		"setuid":    call(unix.SYS_SETUID, 1),
		"setgid":    call(unix.SYS_SETGID, 1),
		"setresuid": call(unix.SYS_SETRESUID, 1, 1, 1),
		"setgroups": func() error { g := uint32(1); return raw(unix.SYS_SETGROUPS, 1, uintptr(unsafe.Pointer(&g))) },
		"setfsuid": func() error {
			_, _ = unix.SetfsuidRetUid(1)
			uid, err := unix.SetfsuidRetUid(1)
			return firstOf(err, seen(fmt.Sprintf("fsuid %d", uid)))
		},
		"capset": func() error {
			all := [2]unix.CapUserData{{Effective: ^uint32(0), Permitted: ^uint32(0)}, {Effective: 0x1ff, Permitted: 0x1ff}}
			return unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &all[0])
		},
		"bpf": func() error {
			var attr [128]byte
			*(*uint32)(unsafe.Pointer(&attr[0])) = 2 // an array map of one entry
			*(*uint32)(unsafe.Pointer(&attr[4])), *(*uint32)(unsafe.Pointer(&attr[8])), *(*uint32)(unsafe.Pointer(&attr[12])) = 4, 4, 1
			return raw(unix.SYS_BPF, 0, uintptr(unsafe.Pointer(&attr)), 72)
		},
		"perf_event_open": func() error {
			_, err := unix.PerfEventOpen(&unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Size: 128}, 0, -1, -1, 0)
			return err
		},
		"add_key": func() error {
			_, err := unix.AddKey("user", "x", []byte("x"), unix.KEY_SPEC_PROCESS_KEYRING)
			return err
		},
		"request_key":     func() error { _, err := unix.RequestKey("user", "x", "", 0); return err },
		"keyctl":          func() error { _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, true); return err },
		"userfaultfd":     call(unix.SYS_USERFAULTFD, 0),
		"init_module":     call(unix.SYS_INIT_MODULE, 0, 0, 0),
		"finit_module":    call(unix.SYS_FINIT_MODULE, minus1, 0, 0),
		"delete_module":   func() error { return path(unix.SYS_DELETE_MODULE, "x", unix.O_NONBLOCK) },
		"kexec_load":      call(unix.SYS_KEXEC_LOAD, 0, 0, 0, minus1),
		"kexec_file_load": call(unix.SYS_KEXEC_FILE_LOAD, minus1, minus1, 0, 0, minus1),
		"reboot":          call(unix.SYS_REBOOT, 0, 0, 0, 0), // without the magic numbers nothing happens even where it is allowed
		"sethostname":     func() error { return unix.Sethostname([]byte("x")) },
		"setdomainname":   func() error { return unix.Setdomainname([]byte("x")) },
		"settimeofday":    func() error { return raw(unix.SYS_SETTIMEOFDAY, 0, uintptr(unsafe.Pointer(&[2]int32{}))) },
		"clock_settime": func() error {
			return raw(unix.SYS_CLOCK_SETTIME, unix.CLOCK_REALTIME, uintptr(unsafe.Pointer(&unix.Timespec{Nsec: -1})))
		},
		"clock_adjtime": func() error {
			_, err := unix.ClockAdjtime(unix.CLOCK_REALTIME, &unix.Timex{Modes: unix.ADJ_TICK})
			return err
		},
		"iopl":           call(unix.SYS_IOPL, 3),
		"ioperm":         call(unix.SYS_IOPERM, 0, 1, 1),
		"modify_ldt":     call(unix.SYS_MODIFY_LDT, 0, 0, 0),
		"syslog":         func() error { _, err := unix.Klogctl(3, make([]byte, 64)); return err },
		"vhangup":        call(unix.SYS_VHANGUP),
		"raise a limit":  func() error { return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}) },
		"raise priority": func() error { return unix.Setpriority(unix.PRIO_PROCESS, 0, -20) },
		"real-time schedule": func() error {
			return unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: 1, Priority: 50}, 0)
		},
		"lock memory":        func() error { return unix.Mlockall(unix.MCL_CURRENT) },
		"type into terminal": func() error { return unix.IoctlSetInt(0, unix.TIOCSTI, 'x') },
		"shared memory":      call(unix.SYS_SHMGET, 0x4d57, 4096, 0o1666),
		"message queue":      call(unix.SYS_MSGGET, 0x4d57, 0o1666),
		"semaphores":         call(unix.SYS_SEMGET, 0x4d57, 1, 0o1666),
		"posix queue":        func() error { return path(unix.SYS_MQ_OPEN, "x", unix.O_CREAT|unix.O_RDWR, 0o600, 0) },
		"environment":        func() error { return seen(fmt.Sprintf("%d variables, %d arguments", len(os.Environ()), len(os.Args))) },
	}
}

func firstOf(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func capabilities() error {
	var data [2]unix.CapUserData
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &data[0]); err != nil {
		return err
	}
	return seen(fmt.Sprintf("%x", data[0].Effective|data[0].Permitted|data[0].Inheritable|data[1].Effective|data[1].Permitted|data[1].Inheritable))
}

func bounding() error {
	n := 0
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if v, _ := unix.PrctlRetInt(unix.PR_CAPBSET_READ, c, 0, 0, 0); v == 1 {
			n++
		}
	}
	return seen(fmt.Sprintf("%d capabilities", n))
}

func value(what string, option int) attempt {
	return func() error {
		v, err := unix.PrctlRetInt(option, 0, 0, 0, 0)
		if err != nil {
			return err
		}
		return seen(fmt.Sprintf("%s %d", what, v))
	}
}
