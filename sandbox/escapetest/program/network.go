package main

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/sandbox/contract"
)

func network() map[string]attempt {
	return map[string]attempt{
		"socket tcp":       socket(unix.AF_INET, unix.SOCK_STREAM, 0),
		"socket tcp6":      socket(unix.AF_INET6, unix.SOCK_STREAM, 0),
		"socket udp":       socket(unix.AF_INET, unix.SOCK_DGRAM, 0),
		"socket udp6":      socket(unix.AF_INET6, unix.SOCK_DGRAM, 0),
		"socket raw":       socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP),
		"socket netlink":   socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE),
		"socket packet":    socket(unix.AF_PACKET, unix.SOCK_RAW, 0x0300),
		"socket vsock":     socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0),
		"socket alg":       socket(unix.AF_ALG, unix.SOCK_SEQPACKET, 0),
		"socket xdp":       socket(unix.AF_XDP, unix.SOCK_RAW, 0),
		"socket bluetooth": socket(unix.AF_BLUETOOTH, unix.SOCK_RAW, 0),
		"socket key":       socket(unix.AF_KEY, unix.SOCK_RAW, 2),
		"socketpair":       func() error { _, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err },
		"io_uring": func() error {
			var params [120]byte
			return raw(unix.SYS_IO_URING_SETUP, 4, uintptr(unsafe.Pointer(&params)))
		},
		"io_uring enter":       call(unix.SYS_IO_URING_ENTER, 4, 1, 0, 0),
		"connect tcp":          connect(unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Port: 80, Addr: [4]byte{127, 0, 0, 1}}),
		"send udp":             connect(unix.AF_INET, unix.SOCK_DGRAM, &unix.SockaddrInet4{Port: 53, Addr: [4]byte{192, 0, 2, 1}}),
		"connect unix path":    connect(unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: "/run/docker.sock"}),
		"connect unix unnamed": connect(unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: "@/tmp/.X11-unix/X0"}),
		"connect vsock host":   connect(unix.AF_VSOCK, unix.SOCK_STREAM, &unix.SockaddrVM{CID: unix.VMADDR_CID_HOST, Port: 22}),
		// The one socket that was given must be good for nothing but the contract.
		"connect descriptor 3": func() error { return unix.Connect(contract.FD, &unix.SockaddrUnix{Name: "@x"}) },
		"bind descriptor 3":    func() error { return unix.Bind(contract.FD, &unix.SockaddrUnix{Name: "@x"}) },
		"listen descriptor 3":  func() error { return unix.Listen(contract.FD, 1) },
		"accept descriptor 3":  func() error { _, _, err := unix.Accept(contract.FD); return err },
		"send a descriptor over 3": func() error {
			return unix.Sendmsg(contract.FD, []byte{0}, unix.UnixRights(contract.FD), nil, 0)
		},
		"receive a descriptor over 3": func() error {
			_, _, _, _, err := unix.Recvmsg(contract.FD, nil, make([]byte, 64), unix.MSG_DONTWAIT)
			return err
		},
		"who is behind descriptor 3": func() error {
			cred, err := unix.GetsockoptUcred(contract.FD, unix.SOL_SOCKET, unix.SO_PEERCRED)
			if err != nil {
				return err
			}
			return seen(fmt.Sprintf("pid %d", cred.Pid))
		},
		"process behind descriptor 3": func() error {
			const peerPidfd = 77 // SO_PEERPIDFD
			_, err := unix.GetsockoptInt(contract.FD, unix.SOL_SOCKET, peerPidfd)
			return err
		},
		"bind descriptor 3 to device": func() error { return unix.BindToDevice(contract.FD, "eth0") },
	}
}

func socket(domain, kind, protocol int) attempt {
	return func() error { _, err := unix.Socket(domain, kind, protocol); return err }
}

// connect connects, and sends where that is how a packet leaves.
func connect(domain, kind int, to unix.Sockaddr) attempt {
	return func() error {
		fd, err := unix.Socket(domain, kind, 0)
		if err != nil {
			return err
		}
		if err := unix.Connect(fd, to); err != nil {
			return err
		}
		_, err = unix.Write(fd, []byte("x"))
		return err
	}
}
