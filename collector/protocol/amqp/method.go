package amqp

// Classes, and methods that are treated in a way of their own.
const (
	classConnection = 10
	classExchange   = 40
	classQueue      = 50
	classBasic      = 60
)

// id is a method's number, behind that of its class.
type id struct{ class, method uint16 }

var (
	connectionStartOk  = id{classConnection, 11}
	connectionSecureOk = id{classConnection, 21}
	connectionOpen     = id{classConnection, 40}
	connectionClose    = id{classConnection, 50}
	connectionCloseOk  = id{classConnection, 51}
	channelOpen        = id{20, 10}
	channelClose       = id{20, 40}
	channelCloseOk     = id{20, 41}
	queueDeclare       = id{classQueue, 10}
	basicConsume       = id{classBasic, 20}
	basicCancel        = id{classBasic, 30}
	basicPublish       = id{classBasic, 40}
	basicReturn        = id{classBasic, 50}
	basicDeliver       = id{classBasic, 60}
	basicGet           = id{classBasic, 70}
	basicGetOk         = id{classBasic, 71}
	basicAck           = id{classBasic, 80}
	basicNack          = id{classBasic, 120}
	confirmSelect      = id{85, 10}
)

// end is who may send a method.
type end uint8

const (
	client end = 1 << iota
	server
	either = client | server
)

// method is what is to be known of one.
type method struct {
	name    string // what a call is called; of class basic without the class, as most say
	from    end
	layout  string // its arguments, see arguments.read
	asks    bool   // the client waits for an answer
	noWait  byte   // the bit that says that it does not
	quiet   bool   // told only if it failed
	answers uint16 // the client's method of the same class that this one answers
}

// methods are those of AMQP 0-9-1 with RabbitMQ's extensions.
var methods = map[id]method{
	{10, 10}: {name: "connection.start", from: server, layout: "ootSS"},
	{10, 11}: {name: "login", from: client, layout: "tsSs", asks: true, quiet: true},
	{10, 20}: {name: "connection.secure", from: server, layout: "S", answers: 11},
	{10, 21}: {name: "login", from: client, layout: "S", asks: true, quiet: true},
	{10, 30}: {name: "connection.tune", from: server, layout: "hlh", answers: 11},
	{10, 31}: {name: "connection.tune-ok", from: client, layout: "hlh"},
	{10, 40}: {name: "connection.open", from: client, layout: "ssb", asks: true},
	{10, 41}: {name: "connection.open-ok", from: server, layout: "s", answers: 40},
	{10, 50}: {name: "connection.close", from: either, layout: "hshh", asks: true},
	{10, 51}: {name: "connection.close-ok", from: either, answers: 50},
	{10, 60}: {name: "connection.blocked", from: server, layout: "s"},
	{10, 61}: {name: "connection.unblocked", from: server},
	{10, 70}: {name: "connection.update-secret", from: client, layout: "Ss", asks: true},
	{10, 71}: {name: "connection.update-secret-ok", from: server, answers: 70},

	{20, 10}: {name: "channel.open", from: client, layout: "s", asks: true},
	{20, 11}: {name: "channel.open-ok", from: server, layout: "S", answers: 10},
	{20, 20}: {name: "channel.flow", from: either, layout: "b", asks: true},
	{20, 21}: {name: "channel.flow-ok", from: either, layout: "b", answers: 20},
	{20, 40}: {name: "channel.close", from: either, layout: "hshh", asks: true},
	{20, 41}: {name: "channel.close-ok", from: either, answers: 40},

	{30, 10}: {name: "access.request", from: client, layout: "sb", asks: true},
	{30, 11}: {name: "access.request-ok", from: server, layout: "h", answers: 10},

	{40, 10}: {name: "exchange.declare", from: client, layout: "hssbt", asks: true, noWait: 1 << 4},
	{40, 11}: {name: "exchange.declare-ok", from: server, answers: 10},
	{40, 20}: {name: "exchange.delete", from: client, layout: "hsb", asks: true, noWait: 1 << 1},
	{40, 21}: {name: "exchange.delete-ok", from: server, answers: 20},
	{40, 30}: {name: "exchange.bind", from: client, layout: "hsssbt", asks: true, noWait: 1},
	{40, 31}: {name: "exchange.bind-ok", from: server, answers: 30},
	{40, 40}: {name: "exchange.unbind", from: client, layout: "hsssbt", asks: true, noWait: 1},
	{40, 51}: {name: "exchange.unbind-ok", from: server, answers: 40},

	{50, 10}: {name: "queue.declare", from: client, layout: "hsbt", asks: true, noWait: 1 << 4},
	{50, 11}: {name: "queue.declare-ok", from: server, layout: "sll", answers: 10},
	{50, 20}: {name: "queue.bind", from: client, layout: "hsssbt", asks: true, noWait: 1},
	{50, 21}: {name: "queue.bind-ok", from: server, answers: 20},
	{50, 30}: {name: "queue.purge", from: client, layout: "hsb", asks: true, noWait: 1},
	{50, 31}: {name: "queue.purge-ok", from: server, layout: "l", answers: 30},
	{50, 40}: {name: "queue.delete", from: client, layout: "hsb", asks: true, noWait: 1 << 2},
	{50, 41}: {name: "queue.delete-ok", from: server, layout: "l", answers: 40},
	{50, 50}: {name: "queue.unbind", from: client, layout: "hssst", asks: true},
	{50, 51}: {name: "queue.unbind-ok", from: server, answers: 50},

	{60, 10}:  {name: "qos", from: client, layout: "lhb", asks: true, quiet: true},
	{60, 11}:  {name: "qos-ok", from: server, answers: 10},
	{60, 20}:  {name: "consume", from: client, layout: "hssbt", asks: true, noWait: 1 << 3},
	{60, 21}:  {name: "consume-ok", from: server, layout: "s", answers: 20},
	{60, 30}:  {name: "cancel", from: either, layout: "sb", asks: true, noWait: 1},
	{60, 31}:  {name: "cancel-ok", from: either, layout: "s", answers: 30},
	{60, 40}:  {name: "publish", from: client, layout: "hssb"},
	{60, 50}:  {name: "return", from: server, layout: "hsss"},
	{60, 60}:  {name: "deliver", from: server, layout: "sLbss"},
	{60, 70}:  {name: "get", from: client, layout: "hsb", asks: true},
	{60, 71}:  {name: "get-ok", from: server, layout: "Lbssl", answers: 70},
	{60, 72}:  {name: "get-empty", from: server, layout: "s", answers: 70},
	{60, 80}:  {name: "ack", from: either, layout: "Lb"},
	{60, 90}:  {name: "reject", from: client, layout: "Lb"},
	{60, 100}: {name: "recover-async", from: client, layout: "b"},
	{60, 110}: {name: "recover", from: client, layout: "b", asks: true},
	{60, 111}: {name: "recover-ok", from: server, answers: 110},
	{60, 120}: {name: "nack", from: either, layout: "Lb"},

	{85, 10}: {name: "confirm.select", from: client, layout: "b", asks: true, noWait: 1},
	{85, 11}: {name: "confirm.select-ok", from: server, answers: 10},

	{90, 10}: {name: "tx.select", from: client, asks: true},
	{90, 11}: {name: "tx.select-ok", from: server, answers: 10},
	{90, 20}: {name: "tx.commit", from: client, asks: true},
	{90, 21}: {name: "tx.commit-ok", from: server, answers: 20},
	{90, 30}: {name: "tx.rollback", from: client, asks: true},
	{90, 31}: {name: "tx.rollback-ok", from: server, answers: 30},
}
