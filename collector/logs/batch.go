package logs

import "go.opentelemetry.io/collector/pdata/plog"

// batch collects records by resource.
type batch struct {
	logs    plog.Logs
	records map[any]plog.LogRecordSlice // :: whose → its records
	count   int
}

func newBatch() batch {
	return batch{logs: plog.NewLogs(), records: map[any]plog.LogRecordSlice{}}
}

// under appends an empty record to the resource that key stands for, which describe fills when it is new.
func (b *batch) under(key any, describe func(plog.ResourceLogs)) plog.LogRecord {
	records, ok := b.records[key]
	if !ok {
		rl := b.logs.ResourceLogs().AppendEmpty()
		describe(rl)
		records = rl.ScopeLogs().AppendEmpty().LogRecords()
		b.records[key] = records
	}
	return records.AppendEmpty()
}
