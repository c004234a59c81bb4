package temporalserver

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"go.temporal.io/server/common/log/tag"
)

// logger hands warnings and worse to slog. Temporal says much more than anybody
// on one machine wants to read, and complains about every stop.
type logger struct {
	slog     *slog.Logger
	building atomic.Bool // see Fatal
	stopping atomic.Bool

	once  sync.Once
	dead  chan struct{}
	cause string // set before dead is closed
}

func newLogger(l *slog.Logger) *logger {
	return &logger{slog: l.With("from", "temporal"), dead: make(chan struct{})}
}

// reason is what was fatal, or empty.
func (l *logger) reason() string {
	select {
	case <-l.dead:
		return l.cause
	default:
		return ""
	}
}

func (l *logger) write(level slog.Level, msg string, tags []tag.Tag) {
	if l.stopping.Load() {
		level = slog.LevelDebug
	}
	if !l.slog.Enabled(context.Background(), level) {
		return
	}
	attrs := make([]slog.Attr, 0, len(tags))
	for _, t := range tags {
		attrs = append(attrs, slog.Any(t.Key(), t.Value()))
	}
	l.slog.LogAttrs(context.Background(), level, msg, attrs...) //nolint:sloglint // the message is Temporal's
}

// Debug implements log.Logger.
func (l *logger) Debug(string, ...tag.Tag) {}

// Info implements log.Logger.
func (l *logger) Info(string, ...tag.Tag) {}

// Warn implements log.Logger. One warning of every start is about Nexus, which
// we do not use.
func (l *logger) Warn(msg string, tags ...tag.Tag) {
	if !strings.HasPrefix(msg, "HTTP API port has not been set") {
		l.write(slog.LevelWarn, msg, tags)
	}
}

// Error implements log.Logger.
func (l *logger) Error(msg string, tags ...tag.Tag) { l.write(slog.LevelError, msg, tags) }

// DPanic implements log.Logger.
func (l *logger) DPanic(msg string, tags ...tag.Tag) { l.write(slog.LevelError, msg, tags) }

// Panic implements log.Logger.
func (l *logger) Panic(msg string, tags ...tag.Tag) {
	l.write(slog.LevelError, msg, tags)
	panic("temporal: " + msg)
}

// fatal is what Fatal panics with while the server is built.
type fatal string

// Fatal implements log.Logger. Callers count on it not to return, and Temporal's
// own ends the process. Ours ends the goroutine and declares the server dead:
// PostgreSQL and NATS beside it must be stopped in order.
func (l *logger) Fatal(msg string, tags ...tag.Tag) {
	for _, t := range tags {
		msg += fmt.Sprintf(", %s %v", t.Key(), t.Value())
	}
	if l.building.Load() {
		panic(fatal(msg))
	}
	l.write(slog.LevelError, "temporal cannot go on", []tag.Tag{tag.NewStringTag("reason", msg)})
	l.once.Do(func() {
		l.cause = msg
		close(l.dead)
	})
	runtime.Goexit()
}

// SLog lets the parts of Temporal that use slog take ours.
func (l *logger) SLog() *slog.Logger { return slog.New(quiet{l.slog.Handler(), l}) }

// quiet is a handler with the same ear as logger.
type quiet struct {
	slog.Handler
	logger *logger
}

// Enabled implements slog.Handler.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && !q.logger.stopping.Load() && q.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quiet{q.Handler.WithAttrs(attrs), q.logger}
}

// WithGroup implements slog.Handler.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name), q.logger} }
