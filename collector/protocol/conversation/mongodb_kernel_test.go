package conversation_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// mongoEvery is after how many commands one fails, and one has a large answer.
const mongoEvery = 10

// mongoServer speaks as much of the protocol as a driver wants to hear. It reads the heads of messages by themselves, as the real one does.
func mongoServer([]string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			for mongoServe(c) == nil {
			}
		}()
	}
}

func mongoServe(c net.Conn) error {
	const head, query, message = 16, 2004, 2013
	b := make([]byte, head)
	if _, err := io.ReadFull(c, b); err != nil {
		return err
	}
	id, op := binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[12:])
	body := make([]byte, binary.LittleEndian.Uint32(b)-head)
	if _, err := io.ReadFull(c, body); err != nil {
		return err
	}
	var asked bson.Raw
	var answer []byte
	switch op {
	case query: // flags, collection, two counts
		asked = body[4+strings.IndexByte(string(body[4:]), 0)+1+8:]
		answer = make([]byte, 20)
		binary.LittleEndian.PutUint32(answer[16:], 1)
		op = 1
	case message: // flags, and the document's section
		asked = body[5 : 5+binary.LittleEndian.Uint32(body[5:])]
		answer = make([]byte, 5)
	}
	document, err := bson.Marshal(mongoAnswer(asked))
	if err != nil {
		return err
	}
	answer = append(answer, document...)
	out := make([]byte, 0, head+len(answer))
	for _, n := range []uint32{uint32(head + len(answer)), 1, id, op} {
		out = binary.LittleEndian.AppendUint32(out, n)
	}
	_, err = c.Write(append(out, answer...))
	return err
}

func mongoAnswer(asked bson.Raw) bson.D {
	okay := bson.D{{Key: "ok", Value: 1.0}}
	elements, err := asked.Elements()
	if err != nil || len(elements) == 0 {
		return bson.D{{Key: "ok", Value: 0.0}}
	}
	switch elements[0].Key() {
	case "hello", "isMaster", "ismaster":
		return append(bson.D{
			{Key: "isWritablePrimary", Value: true},
			{Key: "helloOk", Value: true},
			{Key: "maxBsonObjectSize", Value: 16 << 20},
			{Key: "maxMessageSizeBytes", Value: 48_000_000},
			{Key: "maxWriteBatchSize", Value: 100_000},
			{Key: "minWireVersion", Value: 0},
			{Key: "maxWireVersion", Value: 21},
		}, okay...)
	case "insert":
		return append(bson.D{{Key: "n", Value: 1}}, okay...)
	case "find":
		n := asked.Lookup("filter", "n").AsInt64()
		switch n % mongoEvery {
		case 0:
			return bson.D{{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: fmt.Sprintf("no plan for 'n%d'", n)}, {Key: "code", Value: 96}, {Key: "codeName", Value: "OperationFailed"}}
		case 1:
			return mongoFound(strings.Repeat("x", 50_000))
		}
		return mongoFound("secret")
	}
	return okay
}

func mongoFound(text string) bson.D {
	return bson.D{
		{Key: "cursor", Value: bson.D{{Key: "firstBatch", Value: bson.A{bson.D{{Key: "text", Value: text}}}}, {Key: "id", Value: int64(0)}, {Key: "ns", Value: "shop.orders"}}}, {Key: "ok", Value: 1.0},
	}
}

// mongoClient inserts and finds n times each.
func mongoClient(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + args[0] + "/?directConnection=true&retryReads=false&retryWrites=false"))
	if err != nil {
		return err
	}
	orders := c.Database("shop").Collection("orders")
	for i := range n {
		if _, err := orders.InsertOne(ctx, bson.D{{Key: "text", Value: "secret"}}); err != nil {
			return errors.Join(err, c.Disconnect(ctx))
		}
		err := orders.FindOne(ctx, bson.D{{Key: "n", Value: i}, {Key: "text", Value: "secret"}}).Err()
		var refused mongo.CommandError
		if i%mongoEvery == 0 != errors.As(err, &refused) || i%mongoEvery != 0 && err != nil {
			return errors.Join(err, fmt.Errorf("find %d", i), c.Disconnect(ctx))
		}
	}
	return c.Disconnect(ctx)
}

func TestKernelMongoDB(t *testing.T) {
	r := watch(t)
	const n = 300
	addr := serve(t, helper("mongo-server"))
	run(t, helper("mongo-client", addr.String(), strconv.Itoa(n)))

	for end, calls := range r.both(t, addr.Port(), 2*n, func(seen) bool { return true }) {
		for i, c := range calls {
			want := "{insert: orders}"
			if i%2 == 1 {
				want = "{find: orders, filter: {n: ?, text: ?}}"
			}
			if c.Query != want || c.Resource != "orders" || c.Namespace != "shop" || c.Duration <= 0 {
				t.Fatalf("%s, %d: %+v", end, i, c.Call)
			}
			nth := i / 2 % mongoEvery
			failed := i%2 == 1 && nth == 0
			if c.Failed != failed || failed && (c.Status != "96" || c.ErrorType != "OperationFailed" || c.Error != "no plan for '?'") {
				t.Errorf("%s, %d: %+v", end, i, c.Call)
			}
			if large := c.ResponseBytes > 50_000; large != (i%2 == 1 && nth == 1) {
				t.Errorf("%s, %d: %d bytes", end, i, c.ResponseBytes)
			}
		}
	}
}
