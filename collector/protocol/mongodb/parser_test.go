package mongodb_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/mongodb"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

type (
	d = bson.D
	a = bson.A
)

var okay = d{{Key: "ok", Value: 1.0}}

func field(name string, value any) bson.E { return bson.E{Key: name, Value: value} }

// find asks for orders, with all that drivers send along.
func find(filter d) d {
	return d{
		field("find", "orders"), field("filter", filter), field("limit", int64(7)), field("lsid", d{field("id", "secret")}), field("$db", "shop"),
		field("$readPreference", d{field("mode", "primary")}),
	}
}

const found = "shop.orders {find: orders, filter: {user: ?}}"

func TestParser(t *testing.T) {
	const closed = " connection_closed the connection was closed before the answer was complete"
	user := d{field("user", "secret")}
	large := strings.Repeat("x", 9000)
	for name, c := range map[string]struct {
		said said
		want []string
	}{
		"a command and its answer": {said{}.client(ask(1, find(user))).server(reply(1, okay)), []string{found}},
		"answers in another order": {said{}.client(ask(1, find(user)), ask(2, d{field("ping", 1)}), ask(3, d{field("count", "items"), field("$db", "shop")})).server(reply(3, okay), reply(2, okay), reply(1, okay)), []string{"shop.items {count: items}", found}},
		"how clients get to know":  {said{}.client(query(1, "admin.$cmd", d{field("isMaster", 1), field("client", d{field("secret", 1)})})).server(oldReply(1, 0, okay)).client(ask(2, d{field("saslStart", 1), field("payload", "secret"), field("$db", "admin")})).server(reply(2, okay)), nil},
		"who may not log in":       {said{}.client(ask(2, d{field("saslStart", 1), field("payload", "secret"), field("$db", "admin")})).server(reply(2, d{field("ok", 0.0), field("errmsg", "Authentication failed."), field("code", int32(18)), field("codeName", "AuthenticationFailed")})), []string{"admin. {saslStart} 18 AuthenticationFailed Authentication failed."}},
		"a command that fails":     {said{}.client(ask(1, find(user))).server(reply(1, d{field("ok", 0.0), field("errmsg", `unknown operator: "secret" in 'x'`), field("code", int32(2)), field("codeName", "BadValue")})), []string{found + ` 2 BadValue unknown operator: "?" in '?'`}},
		"a write that fails":       {said{}.client(packet(1, 0, 2013, sections(none, d{field("insert", "orders"), field("ordered", true), field("$db", "shop")}, "documents", user, user))).server(reply(1, d{field("n", int32(1)), field("writeErrors", a{d{field("index", int32(1)), field("code", int32(11000)), field("errmsg", `E11000 duplicate key error collection: shop.orders index: _id_ dup key: { _id: "secret" }`)}}), field("ok", 1.0)})), []string{"shop.orders {insert: orders} 11000 DuplicateKey E11000 duplicate key error collection: shop.orders index: _id_"}},
		"a write that is not kept": {said{}.client(ask(1, d{field("delete", "orders"), field("deletes", a{d{field("q", user), field("limit", 1)}}), field("$db", "shop")})).server(reply(1, d{field("n", int32(1)), field("writeConcernError", d{field("code", int32(64)), field("codeName", "WriteConcernFailed"), field("errmsg", "waiting for replication timed out")}), field("ok", 1.0)})), []string{"shop.orders {delete: orders, deletes: [{q: {user: ?}, limit: ?}]} 64 WriteConcernFailed waiting for replication timed out"}},
		"a write nobody waits for": {said{}.client(packet(1, 0, 2013, sections(moreToCome, d{field("insert", "orders"), field("$db", "shop")}, "documents", user)), ask(2, find(user))).server(reply(2, okay)), []string{"shop.orders {insert: orders}", found}},
		"an update in a sequence":  {said{}.client(packet(1, 0, 2013, sections(checksum, d{field("update", "orders"), field("$db", "shop")}, "updates", d{field("q", user), field("u", d{field("$set", d{field("paid", true), field("tags.17", "secret")})})}))).server(reply(1, okay)), []string{"shop.orders {update: orders, updates: [{q: {user: ?}, u: {$set: {paid: ?, tags.?: ?}}}]}"}},
		"a document that replaces": {said{}.client(ask(1, d{field("update", "orders"), field("updates", a{d{field("q", user), field("u", d{field("secret", 1)})}}), field("$db", "shop")})).server(reply(1, okay)), []string{"shop.orders {update: orders, updates: [{q: {user: ?}, u: ?}]}"}},
		"a pipeline":               {said{}.client(ask(1, d{field("aggregate", "orders"), field("pipeline", a{d{field("$match", d{field("$or", a{user, user, d{field("at", d{field("$in", a{1, 2, 3})})}})})}, d{field("$group", d{field("_id", "$user")})}, d{field("$documents", a{d{field("secret", 1)}})}}), field("cursor", d{}), field("$db", "shop")})).server(reply(1, okay)), []string{"shop.orders {aggregate: orders, pipeline: [{$match: {$or: [{user: ?}, {at: {$in: [?]}}]}}, {$group: {_id: ?}}, {$documents: ?}]}"}},
		"more of a cursor":         {said{}.client(ask(1, d{field("getMore", int64(17)), field("collection", "orders"), field("$db", "shop")})).server(reply(1, okay)), []string{"shop.orders {getMore: orders}"}},
		"a user's name":            {said{}.client(ask(1, d{field("createUser", "secret"), field("pwd", "secret"), field("$db", "shop")})).server(reply(1, okay)), []string{"shop. {createUser}"}},
		"an old find":              {said{}.client(query(1, "shop.orders", user)).server(oldReply(1, 2, d{field("$err", "no"), field("code", int32(13))})), []string{"shop.orders {find: orders, filter: {user: ?}} 13 Unauthorized no"}},
		"an old insert":            {said{}.client(packet(1, 0, 2002, le(0), []byte("shop.orders\x00"), document(user))), []string{"shop.orders"}},
		"compressed":               {said{}.client(compressed(1, ask(1, find(user)))).server(compressed(2, reply(1, okay))).client(compressed(3, ask(2, find(user)))).server(compressed(3, reply(2, d{field("ok", 0.0), field("code", int32(50))}))), []string{found, found + " 50 MaxTimeMSExpired"}},
		"a large answer":           {said{}.client(ask(1, find(user))).cut(protocol.Response, reply(1, d{field("cursor", d{field("firstBatch", a{large})}), field("ok", 1.0)}), 4096, 128).client(ask(2, find(user))).server(reply(2, okay)), []string{found, found}},
		"a large request":          {said{}.cut(protocol.Request, packet(1, 0, 2013, sections(none, d{field("insert", "orders"), field("$db", "shop")}, "documents", d{field("secret", large)})), 4096, 128).server(reply(1, okay)), []string{"shop.orders {insert: orders}"}},
		"an answer in a hole":      {said{}.client(ask(1, find(user)), ask(2, find(user))).cut(protocol.Response, bytes.Join([][]byte{reply(1, d{field("x", large)}), reply(2, d{field("x", large)})}, nil), 4096, 128).client(ask(3, find(user))).server(reply(3, okay)), []string{found, found}},
		"met in an answer":         {said{}.client(ask(5, find(user))).server([]byte("the end of something")).server(reply(5, okay)), []string{found}},
		"comes again and again":    {said{}.client(ask(1, d{field("hello", 1)}), ask(2, find(user))).server(packet(9, 1, 2013, sections(moreToCome, okay, "")), packet(10, 9, 2013, sections(moreToCome, okay, "")), reply(2, okay)), []string{found}},
		"closed before the answer": {said{}.client(ask(1, find(user)), ask(2, d{field("ping", 1)})), []string{found + closed}},
		"what is no message":       {said{}.client(ask(1, find(user)), []byte("GET / HTTP/1.1\r\n\r\n")), []string{"given up"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.said.calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if strings.Contains(strings.Join(c.said.calls(), ""), "secret") {
				t.Errorf("a value left: %q", c.said.calls())
			}
			for cut, recut := range protocoltest.Conversation(c.said).Recut() {
				if cut == "turn by turn" || strings.HasPrefix(name, "met ") || strings.HasPrefix(name, "an answer in") {
					continue // what is found by where a transfer begins
				}
				if diff := cmp.Diff(c.want, said(recut).calls()); diff != "" {
					t.Errorf("%s: calls (-want +got):\n%s", cut, diff)
				}
			}
		})
	}
}

func TestTimesAndSizes(t *testing.T) {
	asked, answered := ask(1, find(d{})), reply(1, okay)
	s := said{}.client(asked).server(answered)
	var got protocol.Call
	p := mongodb.New(func(c protocol.Call) { got = c })
	for _, segment := range s {
		segment.Feed(p)
	}
	if got.Operation != "find" || got.Resource != "orders" || got.Namespace != "shop" || got.Duration != time.Millisecond || got.FirstByte != time.Millisecond ||
		got.RequestBytes != int64(len(asked)) || got.ResponseBytes != int64(len(answered)) {
		t.Errorf("%+v", got)
	}
}

func TestRecognize(t *testing.T) {
	for _, c := range []struct {
		name           string
		b              []byte
		opens, resumes bool
	}{
		{"hello", query(1, "admin.$cmd", d{field("isMaster", 1)}), true, true},
		{"a command", ask(1, find(d{})), true, true},
		{"two of them, one cut", append(ask(1, find(d{})), ask(2, find(d{}))[:40]...), true, true},
		{"an answer", reply(1, okay), false, false},
		{"compressed", compressed(1, ask(1, find(d{}))), false, true},
		{"no command", ask(1, d{field("a b", 1)}), false, false},
		{"a size that is none", append(le(-5), ask(1, find(d{}))[4:]...), false, false},
		{"a part of a head", ask(1, find(d{}))[:15], false, false},
		{"a document that is none", packet(1, 0, 2013, le(0), []byte{0}, le(20), []byte("\x02find\x00xxxxxxxxxxx")), false, false},
	} {
		if got := [2]bool{mongodb.Recognize(c.b), mongodb.Resumes(c.b)}; got != [2]bool{c.opens, c.resumes} {
			t.Errorf("%s: %v, want %v %v", c.name, got, c.opens, c.resumes)
		}
	}
}

func FuzzParser(f *testing.F) {
	user := d{field("user", "secret"), field("n", a{int64(1), 2.5, bson.NewObjectID(), bson.Regex{Pattern: "a", Options: "i"}, nil, true})}
	asked := bytes.Join([][]byte{ask(1, find(user)), compressed(1, ask(2, find(user))), query(3, "shop.orders", user), packet(4, 0, 2013, sections(moreToCome, d{field("insert", "x")}, "documents", user))}, nil)
	answered := bytes.Join([][]byte{reply(1, okay), compressed(2, reply(2, d{field("ok", 0.0), field("writeErrors", a{user})})), oldReply(3, 2, user)}, nil)
	f.Add(asked, answered, uint8(63), uint16(0))
	f.Add(asked, answered, uint8(9), uint16(30))
	f.Add(compressed(3, ask(1, find(user))), compressed(3, reply(1, okay)), uint8(40), uint16(0))
	f.Fuzz(func(t *testing.T, asked, answered []byte, cut uint8, hole uint16) {
		mongodb.Recognize(asked)
		mongodb.Resumes(asked)
		protocoltest.Fuzz(t, asked, answered, cut, hole, func(emit func(protocol.Call)) protocol.Parser {
			return mongodb.New(func(c protocol.Call) {
				if len(c.Resource) > 256 || len(c.Namespace) > 256 || len(c.Query) > 1024 || len(c.ErrorType) > 64 {
					t.Errorf("a call that cannot be: %+v", c)
				}
				emit(c)
			})
		})
	})
}
