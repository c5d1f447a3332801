package kafka_test

import (
	"bytes"
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// request writes a request as franz-go does.
func request(id int32, version int16, r kmsg.Request) string {
	r.SetVersion(version)
	return string(kmsg.NewRequestFormatter(kmsg.FormatterClientID("shop")).AppendRequest(nil, r, id))
}

// answer writes an answer as a broker does.
func answer(id int32, version int16, r kmsg.Response) string {
	r.SetVersion(version)
	b := binary.BigEndian.AppendUint32(make([]byte, 4), uint32(id))
	if r.IsFlexible() && r.Key() != int16(kmsg.ApiVersions) {
		b = append(b, 0)
	}
	b = r.AppendTo(b)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return string(b)
}

// message is a record of a batch.
type message struct {
	value   string
	headers []string
}

// batch writes a batch of messages.
func batch(attributes int16, messages ...message) []byte {
	var records []byte
	for i, m := range messages {
		r := kmsg.Record{OffsetDelta: int32(i), Value: []byte(m.value)}
		for h := 0; h < len(m.headers); h += 2 {
			r.Headers = append(r.Headers, kmsg.Header{Key: m.headers[h], Value: []byte(m.headers[h+1])})
		}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // less the byte of a length of 0
		records = r.AppendTo(records)
	}
	b := kmsg.RecordBatch{Magic: 2, Attributes: attributes, LastOffsetDelta: int32(len(messages) - 1), NumRecords: int32(len(messages)), Records: records}
	b.Length = int32(len(b.AppendTo(nil)) - 12)
	return b.AppendTo(nil)
}

// idOf is the id of a topic.
func idOf(topic string) (id [16]byte) {
	copy(id[:], topic)
	return id
}

func produce(id int32, version, acks int16, batches []byte, topics ...string) string {
	r := kmsg.NewPtrProduceRequest()
	r.Acks = acks
	for _, name := range topics {
		t := kmsg.NewProduceRequestTopic()
		t.Topic, t.TopicID = name, idOf(name)
		t.Partitions = append(t.Partitions, kmsg.ProduceRequestTopicPartition{Records: batches})
		r.Topics = append(r.Topics, t)
	}
	return request(id, version, r)
}

func produced(id int32, version, code int16, topic string) string {
	r := kmsg.NewPtrProduceResponse()
	t := kmsg.NewProduceResponseTopic()
	t.Topic, t.TopicID = topic, idOf(topic)
	p := kmsg.NewProduceResponseTopicPartition()
	p.ErrorCode = code
	t.Partitions = append(t.Partitions, p)
	r.Topics = append(r.Topics, t)
	return answer(id, version, r)
}

// fetch asks for messages within a session, or begins one: epoch 0.
// boast has a batch say that it has as many messages as can be said.
func boast(batch []byte) []byte {
	b := bytes.Clone(batch)
	binary.BigEndian.PutUint32(b[23:], 1<<31-2) // the last offset
	binary.BigEndian.PutUint32(b[57:], 1<<31-1) // how many
	return b
}

func fetch(id int32, version int16, session, epoch int32, topics ...string) string {
	r := kmsg.NewPtrFetchRequest()
	r.MaxWaitMillis, r.SessionID, r.SessionEpoch = 5000, session, epoch
	for _, name := range topics {
		t := kmsg.NewFetchRequestTopic()
		t.Topic, t.TopicID = name, idOf(name)
		t.Partitions = append(t.Partitions, kmsg.NewFetchRequestTopicPartition())
		r.Topics = append(r.Topics, t)
	}
	return request(id, version, r)
}

func fetched(id int32, version, code int16, session int32, batches []byte, topics ...string) string {
	r := kmsg.NewPtrFetchResponse()
	r.ErrorCode, r.SessionID = code, session
	for _, name := range topics {
		t := kmsg.NewFetchResponseTopic()
		t.Topic, t.TopicID = name, idOf(name)
		p := kmsg.NewFetchResponseTopicPartition()
		p.RecordBatches = batches
		t.Partitions = append(t.Partitions, p)
		r.Topics = append(r.Topics, t)
	}
	return answer(id, version, r)
}

func metadata(id int32, topic string) string {
	r := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	r.Topics = append(r.Topics, t)
	return request(id, 12, r)
}

func described(id int32, code int16, topics ...string) string {
	r := kmsg.NewPtrMetadataResponse()
	for _, name := range topics {
		t := kmsg.NewMetadataResponseTopic()
		t.Topic, t.ErrorCode = &name, code
		if code == 0 {
			t.TopicID = idOf(name)
		}
		r.Topics = append(r.Topics, t)
	}
	return answer(id, 12, r)
}

func heartbeat(id int32) string {
	r := kmsg.NewPtrHeartbeatRequest()
	r.Group, r.MemberID = "shop", "cart-1"
	return request(id, 4, r)
}

func beat(id int32, code int16) string {
	r := kmsg.NewPtrHeartbeatResponse()
	r.ErrorCode = code
	return answer(id, 4, r)
}

func join(id int32) string {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Group = "shop"
	return request(id, 7, r)
}

func joined(id int32, code int16) string {
	r := kmsg.NewPtrJoinGroupResponse()
	r.ErrorCode = code
	return answer(id, 7, r)
}

func handshake(id int32, version int16) string {
	r := kmsg.NewPtrSASLHandshakeRequest()
	r.Mechanism = "PLAIN"
	return request(id, version, r)
}

func shaken(id int32, version int16) string {
	return answer(id, version, kmsg.NewPtrSASLHandshakeResponse())
}

func versions(id int32) string { return request(id, 3, kmsg.NewPtrApiVersionsRequest()) }

// unsupported is what a broker answers that does not have such a version of ApiVersions.
func unsupported(id int32) string {
	r := kmsg.NewPtrApiVersionsResponse()
	r.ErrorCode = 35
	return answer(id, 0, r)
}
