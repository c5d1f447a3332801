package conversation

import (
	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/amqp"
	"github.com/midwatch/midwatch/collector/protocol/cassandra"
	"github.com/midwatch/midwatch/collector/protocol/clickhouse"
	"github.com/midwatch/midwatch/collector/protocol/dns"
	"github.com/midwatch/midwatch/collector/protocol/http1"
	"github.com/midwatch/midwatch/collector/protocol/http2"
	"github.com/midwatch/midwatch/collector/protocol/kafka"
	"github.com/midwatch/midwatch/collector/protocol/memcached"
	"github.com/midwatch/midwatch/collector/protocol/mongodb"
	"github.com/midwatch/midwatch/collector/protocol/mysql"
	"github.com/midwatch/midwatch/collector/protocol/nats"
	"github.com/midwatch/midwatch/collector/protocol/postgres"
	"github.com/midwatch/midwatch/collector/protocol/redis"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// dialect is a protocol the tracker can follow.
type dialect struct {
	name protocol.Name
	// opens tells whether a connection that begins with b speaks it.
	opens func(b []byte) bool
	// resumes tells the same of bytes from the middle of a connection whose ends are unknown: only what cannot be an
	// answer counts.
	resumes func(b []byte) bool
	parse   func(emit func(protocol.Call)) protocol.Parser
}

// preparedCached is how many of Cassandra's prepared statements are remembered by their id, for all connections together.
const preparedCached = 4096

// statementsCached is how many SQL texts are remembered, for all connections together.
const statementsCached = 4096

// topicsCached is how many of Kafka's topics are remembered by their id, for all connections together.
const topicsCached = 4096

func dialects() []dialect {
	sql, mysqlText := template.NewSQL(statementsCached), template.NewMySQL(statementsCached)
	topics := kafka.NewTopics(topicsCached)
	prepared := cassandra.NewPrepared(preparedCached)
	return []dialect{
		{protocol.DNS, dns.Recognize, dns.Recognize, func(emit func(protocol.Call)) protocol.Parser { return dns.New(emit) }},
		{protocol.HTTP, http1.Recognize, http1.Recognize, func(emit func(protocol.Call)) protocol.Parser { return http1.New(emit) }},
		{protocol.HTTP, http2.Recognize, http2.Resumes, func(emit func(protocol.Call)) protocol.Parser { return http2.New(emit) }},
		{protocol.Redis, redis.Recognize, redis.Resumes, func(emit func(protocol.Call)) protocol.Parser { return redis.New(emit) }},
		{protocol.Memcached, memcached.Recognize, memcached.Resumes, func(emit func(protocol.Call)) protocol.Parser { return memcached.New(emit) }},
		{protocol.MySQL, mysql.Recognize, mysql.Resumes, func(emit func(protocol.Call)) protocol.Parser { return mysql.New(mysqlText, emit) }},
		{protocol.PostgreSQL, postgres.Recognize, postgres.Resumes, func(emit func(protocol.Call)) protocol.Parser { return postgres.New(sql, emit) }},
		{protocol.Cassandra, cassandra.Recognize, cassandra.Resumes, func(emit func(protocol.Call)) protocol.Parser { return cassandra.New(sql, prepared, emit) }},
		{protocol.ClickHouse, clickhouse.Recognize, clickhouse.Resumes, func(emit func(protocol.Call)) protocol.Parser { return clickhouse.New(sql, emit) }},
		{protocol.AMQP, amqp.Recognize, amqp.Resumes, func(emit func(protocol.Call)) protocol.Parser { return amqp.New(emit) }},
		{protocol.MongoDB, mongodb.Recognize, mongodb.Resumes, func(emit func(protocol.Call)) protocol.Parser { return mongodb.New(emit) }},
		{protocol.NATS, nats.Recognize, nats.Resumes, func(emit func(protocol.Call)) protocol.Parser { return nats.New(emit) }},
		{protocol.Kafka, kafka.Recognize, kafka.Resumes, func(emit func(protocol.Call)) protocol.Parser { return kafka.New(topics, emit) }},
	}
}

// pushes are the dialects whose servers speak unasked: on an old connection the client may say nothing for long that only a client says. They resume by what only a server
// sends.
func pushes() []dialect {
	return []dialect{
		{protocol.AMQP, nil, amqp.Answers, func(emit func(protocol.Call)) protocol.Parser { return amqp.Join(emit) }},
		{protocol.NATS, nil, nats.Answers, func(emit func(protocol.Call)) protocol.Parser { return nats.Join(emit) }},
	}
}
