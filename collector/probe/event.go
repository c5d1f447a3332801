package probe

import (
	"net/netip"
	"syscall"
	"time"
)

// Direction says which way a chunk went, seen from the process.
type Direction uint8

// Directions.
const (
	Receive Direction = iota
	Send
)

// Role is which end of a connection a process holds. The kernel knows it when it saw the connection begin.
type Role uint8

// Roles.
const (
	RoleUnknown Role = iota // the connection is older than the probe
	RoleServer              // the end that accepted
	RoleClient              // the end that connected
)

// Endpoints are the two addresses of a connection. IPv4 addresses mapped into IPv6 are given as IPv4.
type Endpoints struct {
	Local, Remote netip.AddrPort
	NetNS         uint32 // inode number of the network namespace, as in /proc/PID/ns/net
}

// Chunk is one completed read or write of a TCP socket, or a datagram. Data and Tail are valid only while the sink's method runs.
type Chunk struct {
	Sock      uint64 // the connection at this end; never reused while the machine runs. Decrypted bytes have one of their own, see Opened
	TGID, TID uint32
	Cgroup    uint64 // cgroup v2 id
	Endpoints        // zero while it is not known which connection a TLS library is used for
	Direction Direction
	Role      Role
	Time      time.Time // start of a write, end of a read
	Size      int       // bytes transferred
	Placed    bool      // First is known: TCP that no library encrypts, and no other thread moved bytes at the same time
	First     uint32    // TCP sequence number of the first of them, the same at both ends of the connection
	Data      []byte    // the first of them, at most 4 KiB
	Tail      []byte    // the last of them, at most 128 B, when Data is not all; between the two is a hole
}

// secure is set in the Sock of what a TLS library decrypted, or is about to encrypt.
const secure = 1

// IsSecure tells whether what comes under a Sock is what a TLS library decrypted, or is about to encrypt.
func IsSecure(sock uint64) bool { return sock&secure != 0 }

// Opened is the Sock under which a connection was opened, whether it became a secure one since or not.
func Opened(sock uint64) uint64 { return sock &^ secure }

// Closed ends a connection of which chunks were seen.
type Closed struct {
	Sock  uint64
	TGID  uint32 // of the last process that used it
	Time  time.Time
	Errno syscall.Errno // 0 after an orderly close, ECONNRESET, ETIMEDOUT …
}

// Connect is the end of an attempt to connect.
type Connect struct {
	Sock uint64
	TGID uint32
	Endpoints
	Start, Time time.Time
	OK          bool
	Errno       syscall.Errno // of a failed attempt; 0 when the process gave up before the peer answered
}

// Exec is a process that started a program. StartTicks is field 22 of /proc/PID/stat.
type Exec struct {
	TGID, Parent uint32
	StartTicks   uint64
	Cgroup       uint64
	Time         time.Time
	Comm, Path   string // Path as it was given to execve, at most 127 bytes
}

// Exit is the end of a process, all threads included.
type Exit struct {
	TGID, Parent uint32
	StartTicks   uint64
	Cgroup       uint64
	Time         time.Time
	Comm         string
	Code         int            // exit code, when Signal is 0
	Signal       syscall.Signal // that killed it, or 0
	CoreDumped   bool
}

// OOMKill is a process chosen to die for memory. Its Exit follows.
type OOMKill struct {
	TGID                                 uint32
	Time                                 time.Time
	Comm                                 string // empty before Linux 6.8, as the sizes are 0
	TotalVM, AnonRSS, FileRSS, SharedRSS int64  // bytes
}

// Sink receives events, from one goroutine, nearly in the order of their times: the two directions of one connection
// may overtake each other by microseconds. A slow sink makes the kernel's buffer overflow, which is counted.
type Sink interface {
	Chunk(c *Chunk)
	// Datagram is a UDP datagram that, by its header, is a question of DNS or answers one. An answer that was received counts only if the question was seen going
	// out through the same socket, or if the socket is connected to port 53. Sock is the kernel's address of the socket: another may have it later. Role
	// says which end it was seen at: clients send questions.
	Datagram(c *Chunk)
	Closed(c Closed)
	Connect(c Connect)
	Exec(e Exec)
	Exit(e Exit)
	OOMKill(k OOMKill)
	// Quiet says that all that happened before now was told. It comes some times a second, also when nothing happens, unless more happens than is read.
	Quiet(now time.Time)
}
