package temporal

import (
	"context"
	"log/slog"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// logger writes the server's log with slog. It is chatty: what it calls information is our debug, and a panic of one
// request, which it survives, is an error.
type logger struct{ to *slog.Logger }

var (
	_ log.Logger     = logger{}
	_ log.WithLogger = logger{}
)

func (l logger) log(level slog.Level, msg string, tags []tag.Tag) {
	if l.to.Enabled(context.Background(), level) {
		l.to.LogAttrs(context.Background(), level, msg, attrs(tags)...)
	}
}

func attrs(tags []tag.Tag) []slog.Attr {
	out := make([]slog.Attr, len(tags))
	for i, t := range tags {
		out[i] = slog.Any(t.Key(), t.Value())
	}
	return out
}

func (l logger) Debug(msg string, tags ...tag.Tag)  { l.log(slog.LevelDebug-4, msg, tags) }
func (l logger) Info(msg string, tags ...tag.Tag)   { l.log(slog.LevelDebug, msg, tags) }
func (l logger) Warn(msg string, tags ...tag.Tag)   { l.log(slog.LevelInfo, msg, tags) }
func (l logger) Error(msg string, tags ...tag.Tag)  { l.log(slog.LevelWarn, msg, tags) }
func (l logger) DPanic(msg string, tags ...tag.Tag) { l.log(slog.LevelError, msg, tags) }
func (l logger) Panic(msg string, tags ...tag.Tag)  { l.log(slog.LevelError, msg, tags); panic(msg) }

// Fatal ends the process by panic, with the message where a person looks for it.
func (l logger) Fatal(msg string, tags ...tag.Tag) { l.Panic(msg, tags...) }

func (l logger) With(tags ...tag.Tag) log.Logger {
	args := make([]any, 0, len(tags))
	for _, a := range attrs(tags) {
		args = append(args, a)
	}
	return logger{l.to.With(args...)}
}
