package server

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/deploy/clickhouse/engine"
	"github.com/midwatch/midwatch/deploy/clickhouse/native"
)

// query answers one Query packet. What the engine refuses goes to the client; only a broken connection is returned.
func (x *session) query() error {
	q, err := decodeQuery(x.wire, x.revision)
	if err != nil {
		return fmt.Errorf("read query: %w", err)
	}
	x.compress = q.Compression == proto.CompressionEnabled
	external, err := x.externalTables()
	if err != nil {
		return err
	}
	failed, err := x.answer(q, external)
	if err != nil {
		return err
	}
	if failed != nil {
		x.exception(failed)
	} else {
		proto.ServerCodeEndOfStream.Encode(&x.out)
	}
	return x.flush()
}

// externalTables reads what follows a query, up to the empty block, and says whether there was anything.
func (x *session) externalTables() (any bool, err error) {
	const scalar = 7
	for {
		code, err := x.wire.ReadByte()
		if err != nil {
			return false, err
		}
		if code != byte(proto.ClientCodeData) && code != scalar {
			return false, fmt.Errorf("unexpected packet %d after a query", code)
		}
		rows, err := x.readBlock(func([]byte) error { return nil })
		if err != nil {
			return false, err
		}
		if rows > 0 {
			any = any || code != scalar
		} else if code != scalar {
			return any, nil
		}
	}
}

// answer executes the query: failed is for the client, err means that the connection is broken.
func (x *session) answer(q proto.Query, external bool) (failed, err error) {
	if external {
		return unsupported("external tables"), nil
	}
	if q.Stage != proto.StageComplete {
		return unsupported("distributed query stages"), nil
	}
	st := parse(q.Body)
	if st.multiple {
		return &engine.Exception{
			Code:    engine.CodeSyntaxError,
			Message: "DB::Exception: Syntax error: multi-statements are not allowed. (SYNTAX_ERROR)",
		}, nil
	}
	if found := st.forbidden(q); found != "" {
		return &engine.Exception{
			Code:    engine.CodeSettingConstraint,
			Message: "DB::Exception: Setting " + found + " should not be changed. (SETTING_CONSTRAINT_VIOLATION)",
		}, nil
	}
	if failed := x.apply(q.Settings); failed != nil {
		return failed, nil
	}
	if st.insert != nil {
		return x.insert(st.insert)
	}
	stop := x.watch()
	failed, err = x.execute(st, parameters(q.Parameters))
	if stop() && failed == nil {
		failed = wasCancelled()
	}
	return failed, err
}

func (x *session) execute(st statement, params []engine.Param) (failed, err error) {
	if st.verb == "SELECT" || st.verb == "WITH" {
		return x.stream(st, params)
	}
	return x.whole(st, params)
}

// stream sends the result block by block, as the engine produces it.
func (x *session) stream(st statement, params []engine.Param) (failed, err error) {
	stream, failed := x.engine.Stream(st.text, params...)
	if failed != nil {
		return failed, nil
	}
	defer stream.Close()
	var total proto.Profile
	for {
		r, failed := stream.Next()
		if failed != nil {
			return failed, nil
		}
		if r == nil {
			break
		}
		rows, size, err := x.send(r)
		if errors.Is(err, native.ErrMalformed) {
			return unsupported(err.Error()), nil
		}
		if err != nil {
			return nil, err
		}
		total.Rows, total.Bytes, total.Blocks = total.Rows+rows, total.Bytes+size, total.Blocks+1
	}
	if total.Blocks == 0 {
		if failed := x.header(st, params); failed != nil {
			return failed, nil
		}
	}
	total.EncodeAware(&x.out, x.revision)
	return nil, nil
}

// send sends one piece of a result and closes it.
func (x *session) send(r *engine.Result) (rows, size uint64, err error) {
	defer r.Close()
	n, err := x.blocks(r.Data)
	if err != nil {
		return 0, 0, err
	}
	rows, size = uint64(n), uint64(len(r.Data))
	x.progress(r.ReadRows, r.ReadBytes)
	return rows, size, x.flush()
}

// whole executes a statement that the engine does not stream.
func (x *session) whole(st statement, params []engine.Param) (failed, err error) {
	r, failed := x.engine.Query(st.text, "Native", params...)
	if failed != nil {
		return failed, nil
	}
	defer r.Close()
	if len(r.Data) == 0 {
		switch st.verb {
		case "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "CHECK", "FROM":
			return x.header(st, params), nil
		}
	}
	_, err = x.blocks(r.Data)
	if errors.Is(err, native.ErrMalformed) {
		return unsupported(err.Error()), nil
	}
	x.progress(r.ReadRows, r.ReadBytes)
	x.wrote(r.WrittenRows, r.WrittenBytes)
	return nil, err
}

// header sends the names and types of a result without rows, which the engine's Native format leaves out.
func (x *session) header(st statement, params []engine.Param) error {
	names, types, err := x.columns(st, params)
	if err != nil {
		return err
	}
	var b proto.Buffer
	b.PutInt(len(names))
	b.PutInt(0) // rows
	for i := range names {
		b.PutString(unescape(names[i]))
		b.PutString(unescape(types[i]))
		if proto.FeatureCustomSerialization.In(x.revision) {
			b.PutBool(false)
		}
	}
	return x.data(b.Buf)
}

// columns asks the engine what a statement's result looks like. Names and types are in escaped form.
func (x *session) columns(st statement, params []engine.Param) (names, types []string, err error) {
	if st.verb != "SELECT" && st.verb != "WITH" {
		t, err := x.engine.Text(st.text, "TabSeparatedWithNamesAndTypes", params...)
		if err != nil {
			return nil, nil, err
		}
		lines := strings.SplitN(t, "\n", 3)
		if len(lines) < 2 {
			return nil, nil, nil
		}
		return strings.Split(lines[0], "\t"), strings.Split(lines[1], "\t"), nil
	}
	t, err := x.engine.Text("DESCRIBE ("+st.text+"\n)", "TSV", params...)
	if err != nil {
		return nil, nil, err
	}
	for line := range strings.Lines(t) {
		f := strings.SplitN(line, "\t", 3)
		if len(f) < 2 {
			return nil, nil, fmt.Errorf("describe a result: unexpected line %q", line)
		}
		names, types = append(names, f[0]), append(types, f[1])
	}
	return names, types, nil
}
