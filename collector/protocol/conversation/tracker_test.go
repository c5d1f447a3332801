package conversation_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/conversation"
)

const (
	get = "GET /a HTTP/1.1\r\n\r\n"
	ok  = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
)

// tracked feeds chunks to a tracker and returns the roles of the calls that came out.
type tracked struct {
	*conversation.Tracker
	roles []probe.Role
	muted []uint64
}

func track(t *testing.T, max int) *tracked {
	t.Helper()
	tr := &tracked{}
	var err error
	tr.Tracker, err = conversation.New(conversation.Config{
		MaxConnections: max,
		OnCall:         func(p conversation.Peer, _ protocol.Call) { tr.roles = append(tr.roles, p.Role) },
		Mute:           func(sock uint64) { tr.muted = append(tr.muted, sock) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func chunk(sock uint64, role probe.Role, d probe.Direction, ms int, data string) *probe.Chunk {
	end := netip.MustParseAddrPort("127.0.0.1:80")
	return &probe.Chunk{
		Sock: sock, TGID: 1, Role: role, Direction: d, Time: time.UnixMilli(int64(1000 + ms)), Size: len(data), Data: []byte(data),
		Endpoints: probe.Endpoints{Local: end, Remote: end},
	}
}

func TestRoles(t *testing.T) {
	for _, c := range []struct {
		name string
		role probe.Role
		dir  probe.Direction // of the request
		want probe.Role
	}{
		{"server by the kernel", probe.RoleServer, probe.Receive, probe.RoleServer},
		{"client by the kernel", probe.RoleClient, probe.Send, probe.RoleClient},
		{"server by the request", probe.RoleUnknown, probe.Receive, probe.RoleServer},
		{"client by the request", probe.RoleUnknown, probe.Send, probe.RoleClient},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := track(t, 0)
			if c.role == probe.RoleUnknown { // the end of something older
				tr.Chunk(chunk(1, c.role, 1-c.dir, 0, "ld answer"))
			}
			tr.Chunk(chunk(1, c.role, c.dir, 1, get))
			tr.Chunk(chunk(1, c.role, 1-c.dir, 2, ok))
			if diff := cmp.Diff([]probe.Role{c.want}, tr.roles); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnswerOvertakesRequest(t *testing.T) {
	tr := track(t, 0)
	for i := range 3 { // the first on an unknown connection, the others on a known one
		tr.Chunk(chunk(1, probe.RoleClient, probe.Receive, 10*i+2, ok))
		tr.Chunk(chunk(1, probe.RoleClient, probe.Send, 10*i+1, get))
	}
	if len(tr.roles) != 3 || tr.Stats().Unpaired != 0 {
		t.Errorf("%d calls, %+v", len(tr.roles), tr.Stats())
	}
}

func TestAnswerOlderThanRequest(t *testing.T) {
	tr := track(t, 0)
	tr.Chunk(chunk(1, probe.RoleClient, probe.Receive, 1, ok))
	tr.Chunk(chunk(1, probe.RoleClient, probe.Send, 2, get))
	if len(tr.roles) != 0 || tr.Stats().Unpaired != 1 {
		t.Errorf("%d calls, %+v", len(tr.roles), tr.Stats())
	}
}

func TestUnknownIsMuted(t *testing.T) {
	tr := track(t, 0)
	tr.Chunk(chunk(1, probe.RoleClient, probe.Send, 1, "\x16\x03\x01\x02\x00\x01"))
	tr.Chunk(chunk(1, probe.RoleClient, probe.Send, 2, get)) // on its way when it was muted
	for i := range 16 {
		tr.Chunk(chunk(2, probe.RoleUnknown, probe.Send, i, "binary"))
	}
	if diff := cmp.Diff([]uint64{1, 2}, tr.muted); diff != "" || len(tr.roles) != 0 || tr.Stats().Unknown != 2 {
		t.Errorf("muted (-want +got):\n%s%d calls, %+v", diff, len(tr.roles), tr.Stats())
	}
}

// TestHeadReadByItself: some programs read the head of a message, and then the rest.
func TestHeadReadByItself(t *testing.T) {
	for _, role := range []probe.Role{probe.RoleServer, probe.RoleUnknown} {
		tr := track(t, 0)
		tr.Chunk(chunk(1, role, probe.Send, 0, "greeting"))
		for i := range 3 {
			tr.Chunk(chunk(1, role, probe.Receive, 10*i+1, get[:4]))
			tr.Chunk(chunk(1, role, probe.Receive, 10*i+2, get[4:]))
			tr.Chunk(chunk(1, role, probe.Send, 10*i+3, ok))
		}
		if diff := cmp.Diff([]probe.Role{probe.RoleServer, probe.RoleServer, probe.RoleServer}, tr.roles); diff != "" || tr.Stats().Unknown+tr.Stats().GivenUp != 0 {
			t.Errorf("as %d (-want +got):\n%s%+v", role, diff, tr.Stats())
		}
	}
	tr := track(t, 0)
	tr.Chunk(chunk(1, probe.RoleUnknown, probe.Send, 1, get[:4]))
	tr.Chunk(chunk(1, probe.RoleUnknown, probe.Receive, 2, get[4:])) // the other way
	tr.Chunk(chunk(2, probe.RoleServer, probe.Receive, 1, "\x16\x03\x01\x02"))
	tr.Chunk(chunk(2, probe.RoleServer, probe.Receive, 2, get)) // not what came first
	if len(tr.roles) != 0 || tr.Stats().Calls != 0 || tr.Stats().Unknown != 1 {
		t.Errorf("%+v", tr.Stats())
	}
}

// TestSecureConnectionsBeginAnew: what a connection moved before it was encrypted, and as such, says nothing of what is in it.
func TestSecureConnectionsBeginAnew(t *testing.T) {
	tr := track(t, 2)
	tr.Chunk(chunk(2, probe.RoleServer, probe.Receive, 1, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not whole, and nothing that is known"))
	tr.Chunk(chunk(4, probe.RoleServer, probe.Receive, 1, get))
	tr.Chunk(chunk(3, probe.RoleServer, probe.Receive, 2, get))
	tr.Chunk(chunk(3, probe.RoleServer, probe.Send, 3, ok))
	if len(tr.roles) != 1 || tr.Stats().Unknown != 1 || tr.Stats().Evicted != 0 {
		t.Errorf("%d calls, %+v", len(tr.roles), tr.Stats())
	}
}

func TestBounded(t *testing.T) {
	tr := track(t, 2)
	for sock := range uint64(3) {
		tr.Chunk(chunk(2*sock, probe.RoleServer, probe.Receive, 1, get))
	}
	for sock := range uint64(3) {
		tr.Closed(probe.Closed{Sock: 2 * sock, Time: time.UnixMilli(2000)})
	}
	if len(tr.roles) != 2 || tr.Stats().Evicted != 1 {
		t.Errorf("%d calls, %+v", len(tr.roles), tr.Stats())
	}
}

// TestOldConsumer meets a connection on which only the server says what only one end says: it delivers a message.
func TestOldConsumer(t *testing.T) {
	const (
		deliver = "\x01\x00\x01\x00\x00\x00\x14\x00\x3c\x00\x3c\x02me\x00\x00\x00\x00\x00\x00\x00\x07\x00\x01x\x01k\xce"
		content = "\x02\x00\x01\x00\x00\x00\x0e\x00\x3c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xce"
		ack     = "\x01\x00\x01\x00\x00\x00\x0d\x00\x3c\x00\x50\x00\x00\x00\x00\x00\x00\x00\x07\x00\xce"
	)
	for dir, want := range map[probe.Direction]probe.Role{probe.Send: probe.RoleServer, probe.Receive: probe.RoleClient} {
		tr := track(t, 0)
		for i := range 2 {
			tr.Chunk(chunk(1, probe.RoleUnknown, 1-dir, 10*i, ack))
			tr.Chunk(chunk(1, probe.RoleUnknown, dir, 10*i+1, deliver+content))
		}
		if diff := cmp.Diff([]probe.Role{want, want}, tr.roles); diff != "" {
			t.Errorf("roles (-want +got):\n%s", diff)
		}
	}
}

// BenchmarkTracker is one request and its answer, at one end.
func BenchmarkTracker(b *testing.B) {
	calls := 0
	t, err := conversation.New(conversation.Config{OnCall: func(conversation.Peer, protocol.Call) { calls++ }})
	if err != nil {
		b.Fatal(err)
	}
	request := chunk(1, probe.RoleServer, probe.Receive, 1, "GET /items/17?x=1 HTTP/1.1\r\nHost: shop\r\nUser-Agent: test\r\nAccept-Encoding: gzip\r\n\r\n")
	answer := chunk(1, probe.RoleServer, probe.Send, 2, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok")
	b.ReportAllocs()
	for b.Loop() {
		t.Chunk(request)
		t.Chunk(answer)
	}
	if calls != b.N {
		b.Errorf("%d calls of %d", calls, b.N)
	}
}
