// Package engine binds the C interface of libchdb: the ClickHouse engine as a library, without cgo.
package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	"github.com/ebitengine/purego"
)

// ErrNoLibrary means that libchdb.so is not where it should be, or is not a library this program can use.
var ErrNoLibrary = errors.New("the ClickHouse library cannot be loaded")

type ptr = unsafe.Pointer

// Library is a loaded libchdb. A process has one engine however often it loads the library. Safe for concurrent use.
type Library struct {
	connect       func(argc int32, argv ptr) ptr
	close         func(conn ptr)
	query         func(conn, q ptr, qn uintptr, f ptr, fn uintptr, names, nameLens, values, valueLens ptr, n uintptr) ptr
	stream        func(conn, q ptr, qn uintptr, f ptr, fn uintptr, names, nameLens, values, valueLens ptr, n uintptr) ptr
	fetch         func(conn, stream ptr) ptr
	cancelQuery   func(conn, stream ptr)
	insert        func(conn, q ptr, qn uintptr, f ptr, fn uintptr) ptr
	append        func(ins, data ptr, n uintptr) int32
	done          func(ins ptr) ptr
	cancelInsert  func(ins ptr)
	insertError   func(ins ptr) string
	destroyInsert func(ins ptr)
	buffer        func(res ptr) ptr
	length        func(res ptr) uintptr
	readRows      func(res ptr) uint64
	readBytes     func(res ptr) uint64
	writtenRows   func(res ptr) uint64
	writtenBytes  func(res ptr) uint64
	err           func(res ptr) string
	destroy       func(res ptr)
	signals       func(on int32)
}

// Load loads the library at path. It returns ErrNoLibrary if there is none, or one without the functions needed.
func Load(path string) (*Library, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %q does not exist; `make deps` fetches it", ErrNoLibrary, path)
	}
	lib, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; `make deps` fetches it", ErrNoLibrary, err)
	}
	l := &Library{}
	for name, fn := range l.symbols() {
		address, err := purego.Dlsym(lib, name)
		if err != nil {
			return nil, fmt.Errorf("%w: %s is another version: %w; `make deps` fetches the right one", ErrNoLibrary, path, err)
		}
		purego.RegisterFunc(fn, address)
	}
	l.signals(0) // its handlers would take the signals that the Go runtime lives by
	return l, nil
}

// symbols says which C function each field is.
func (l *Library) symbols() map[string]any {
	return map[string]any{
		"chdb_connect":                     &l.connect,
		"chdb_close_conn":                  &l.close,
		"chdb_query_with_params_n":         &l.query,
		"chdb_stream_query_with_params_n":  &l.stream,
		"chdb_stream_fetch_result":         &l.fetch,
		"chdb_stream_cancel_query":         &l.cancelQuery,
		"chdb_stream_insert_n":             &l.insert,
		"chdb_stream_append":               &l.append,
		"chdb_stream_done":                 &l.done,
		"chdb_stream_cancel_insert":        &l.cancelInsert,
		"chdb_stream_insert_error":         &l.insertError,
		"chdb_destroy_insert_stream":       &l.destroyInsert,
		"chdb_result_buffer":               &l.buffer,
		"chdb_result_length":               &l.length,
		"chdb_result_storage_rows_read":    &l.readRows,
		"chdb_result_storage_bytes_read":   &l.readBytes,
		"chdb_result_rows_written":         &l.writtenRows,
		"chdb_result_bytes_written":        &l.writtenBytes,
		"chdb_result_error":                &l.err,
		"chdb_destroy_query_result":        &l.destroy,
		"chdb_set_signal_handlers_enabled": &l.signals,
	}
}
