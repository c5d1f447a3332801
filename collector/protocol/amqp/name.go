package amqp

import (
	"strings"

	"github.com/midwatch/midwatch/collector/protocol/template"
)

// maxVirtualHost bounds the name of one, in bytes.
const maxVirtualHost = 128

// made are the beginnings of names that brokers and clients make up, which end in an id.
var made = []string{"amq.gen-", "amq.rabbitmq.reply-to."}

// resource is the name of a queue or an exchange, without what tells one of many alike from the others.
func resource(name []byte) string {
	s := string(name)
	for _, begin := range made {
		if strings.HasPrefix(s, begin) {
			return begin + "?"
		}
	}
	return template.Key(s)
}

// target is where a message goes to: an exchange, or by the default one a queue.
func target(exchange, routingKey []byte) string {
	if len(exchange) == 0 {
		return resource(routingKey)
	}
	return resource(exchange)
}
