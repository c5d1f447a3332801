package redis

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// Bounds of a command.
const (
	maxArgs    = 1 << 20
	maxBulk    = 512 << 20 // what Redis accepts
	maxLine    = 1 << 10
	keptArgs   = 3
	keptBytes  = 128 // of each of them
	maxCommand = 32
)

// command is one command: its size and its first arguments, cut.
type command struct {
	size int64
	args []string
	argc int // arguments, the name included
}

// commands cuts the client's direction into commands.
type commands struct {
	protocol.Stream
	left int // arguments of cmd still to come
	cmd  command
}

// next returns the next command. wait is true when more bytes are needed, bad when these are no commands. With cut, an
// incomplete argument is taken as it is: no more of it will be seen.
func (r *commands) next(cut bool) (c command, wait, bad bool) {
	for {
		b := r.Bytes()
		if len(b) == 0 {
			return c, true, false
		}
		if r.left == 0 && b[0] != '*' {
			return r.inline()
		}
		line, _, whole := bytes.Cut(b[:min(len(b), maxLine)], []byte("\r\n"))
		if !whole {
			return c, len(b) < maxLine, len(b) >= maxLine
		}
		if len(line) == 0 {
			return c, false, true
		}
		n, err := strconv.Atoi(string(line[1:]))
		if err != nil || n < 0 {
			return c, false, true
		}
		switch {
		case r.left == 0 && n <= maxArgs:
			r.cmd = command{size: int64(len(line)) + 2, argc: n}
			r.left = n
			r.Next(int64(len(line)) + 2)
		case r.left > 0 && b[0] == '$' && n <= maxBulk:
			if wait := r.argument(b[len(line)+2:], n, len(line)+2, cut); wait {
				return c, true, false
			}
		default:
			return c, false, true
		}
		if r.left == 0 && len(r.cmd.args) > 0 {
			return r.cmd, false, false
		}
	}
}

// argument takes an argument of n bytes, of which b has arrived, behind a line of prefix bytes.
func (r *commands) argument(b []byte, n, prefix int, cut bool) (wait bool) {
	if len(r.cmd.args) < keptArgs {
		want := min(n, keptBytes)
		if len(b) < want && !cut {
			return true
		}
		r.cmd.args = append(r.cmd.args, string(b[:min(want, len(b))]))
	}
	r.cmd.size += int64(prefix) + int64(n) + 2
	r.Next(int64(prefix) + int64(n) + 2)
	r.left--
	return false
}

// inline reads a command typed by hand: words on one line.
func (r *commands) inline() (c command, wait, bad bool) {
	b := r.Bytes()
	line, _, whole := bytes.Cut(b[:min(len(b), maxLine)], []byte("\n"))
	if !whole {
		return c, len(b) < maxLine, len(b) >= maxLine
	}
	c.size = int64(len(line)) + 1
	words := bytes.Fields(line)
	c.argc = len(words)
	for _, word := range words[:min(len(words), keptArgs)] {
		c.args = append(c.args, string(word[:min(len(word), keptBytes)]))
	}
	if len(c.args) == 0 || !isName(c.args[0]) {
		return c, false, true
	}
	r.Next(c.size)
	return c, false, false
}

// name is the command's name in capitals, with the subcommand where there is one.
func (c command) name() string {
	if !isName(c.args[0]) {
		return "UNKNOWN"
	}
	name := strings.ToUpper(c.args[0])
	if len(c.args) > 1 && isContainer(name) && isName(c.args[1]) {
		name += " " + strings.ToUpper(c.args[1])
	}
	return name
}

// query is the command with its key, if its first argument is one. Other arguments are values, or may be secrets.
func (c command) query() string {
	name := c.name()
	if len(c.args) < 2 || !hasKey(name) && !hasChannel(name) {
		return name
	}
	return name + " " + template.Key(c.args[1])
}

func isName(s string) bool {
	if s == "" || len(s) > maxCommand {
		return false
	}
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && s[i] != '.' && s[i] != '_' && s[i] != '-' && (i == 0 || s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}

func isContainer(name string) bool {
	switch name {
	case "ACL", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "DEBUG", "FUNCTION", "LATENCY", "MEMORY", "MODULE", "OBJECT", "PUBSUB",
		"SCRIPT", "SLOWLOG", "XGROUP", "XINFO":
		return true
	}
	return false
}

// hasKey lists the commands whose first argument is a key.
func hasKey(name string) bool {
	switch name {
	case "APPEND", "BITCOUNT", "BITFIELD", "BITFIELD_RO", "BITPOS", "BLMOVE", "BLPOP", "BRPOP", "BRPOPLPUSH", "BZPOPMAX", "BZPOPMIN", "COPY",
		"DECR", "DECRBY", "DEL", "DUMP", "EXISTS", "EXPIRE", "EXPIREAT", "EXPIRETIME", "GEOADD", "GEODIST", "GEOHASH", "GEOPOS",
		"GEORADIUS", "GEOSEARCH", "GET", "GETBIT", "GETDEL", "GETEX", "GETRANGE", "GETSET", "HDEL", "HEXISTS", "HEXPIRE", "HGET",
		"HGETALL", "HINCRBY", "HINCRBYFLOAT", "HKEYS", "HLEN", "HMGET", "HMSET", "HRANDFIELD", "HSCAN", "HSET", "HSETNX", "HSTRLEN",
		"HTTL", "HVALS", "INCR", "INCRBY", "INCRBYFLOAT", "LINDEX", "LINSERT", "LLEN", "LMOVE", "LPOP", "LPOS", "LPUSH", "LPUSHX",
		"LRANGE", "LREM", "LSET", "LTRIM", "MGET", "MOVE", "MSET", "MSETNX", "PERSIST", "PEXPIRE", "PEXPIREAT", "PFADD", "PFCOUNT",
		"PSETEX", "PTTL", "RENAME", "RENAMENX", "RESTORE", "RPOP", "RPOPLPUSH", "RPUSH", "RPUSHX", "SADD", "SCARD", "SDIFF", "SET",
		"SETBIT", "SETEX", "SETNX", "SETRANGE", "SINTER", "SISMEMBER", "SMEMBERS", "SMISMEMBER", "SMOVE", "SORT", "SPOP",
		"SRANDMEMBER", "SREM", "SSCAN", "STRLEN", "SUBSTR", "SUNION", "TOUCH", "TTL", "TYPE", "UNLINK", "WATCH", "XACK", "XADD",
		"XAUTOCLAIM", "XCLAIM", "XDEL", "XLEN", "XPENDING", "XRANGE", "XREVRANGE", "XTRIM", "ZADD", "ZCARD", "ZCOUNT", "ZINCRBY",
		"ZLEXCOUNT", "ZMSCORE", "ZPOPMAX", "ZPOPMIN", "ZRANDMEMBER", "ZRANGE", "ZRANGEBYLEX", "ZRANGEBYSCORE", "ZRANK", "ZREM",
		"ZREMRANGEBYLEX", "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZREVRANGE", "ZREVRANGEBYSCORE", "ZREVRANK", "ZSCAN", "ZSCORE":
		return true
	}
	return false
}

// isKnown lists the other commands that programs send often: what a connection met half-way is recognised by.
func isKnown(name string) bool {
	switch name {
	case "AUTH", "DISCARD", "ECHO", "EVAL", "EVALSHA", "EXEC", "FCALL", "HELLO", "INFO", "MULTI", "PING", "PSUBSCRIBE", "PUBLISH", "PUNSUBSCRIBE", "SCAN", "SELECT",
		"SPUBLISH", "SSUBSCRIBE", "SUBSCRIBE", "SUNSUBSCRIBE", "TIME", "UNSUBSCRIBE", "UNWATCH", "WAIT", "XREAD", "XREADGROUP":
		return true
	}
	return hasKey(name) || isContainer(name)
}

// endsPairing tells whether answers no longer follow commands, one by one, after this one.
func (c command) endsPairing() bool {
	switch c.name() {
	case "MONITOR", "SYNC", "PSYNC", "REPLCONF", "CLIENT REPLY":
		return true
	}
	return false
}

// Recognize tells whether b begins with a command as an array, from the first byte of a connection.
func Recognize(b []byte) bool {
	r := commands{}
	if len(b) == 0 || b[0] != '*' || !r.Write(b[:min(len(b), protocol.MaxBuffered)]) {
		return false
	}
	c, wait, bad := r.next(true)
	if wait {
		return len(r.cmd.args) > 0 && isName(r.cmd.args[0])
	}
	return !bad && isName(c.args[0])
}

// Resumes tells the same in the middle of a connection, where an answer may look like a command: only commands that
// are known by name count.
func Resumes(b []byte) bool {
	if !Recognize(b) {
		return false
	}
	r := commands{}
	r.Write(b[:min(len(b), protocol.MaxBuffered)])
	if c, wait, _ := r.next(true); !wait {
		return isKnown(strings.ToUpper(c.args[0]))
	}
	return isKnown(strings.ToUpper(r.cmd.args[0]))
}
