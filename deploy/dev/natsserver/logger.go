package natsserver

import (
	"fmt"
	"log/slog"
	"sync"
)

// logger passes on what somebody should see, and keeps the reason of a start
// that failed, which NATS tells nobody else.
type logger struct {
	slog  *slog.Logger
	fatal chan string

	mu    sync.Mutex
	worst string
}

func newLogger(l *slog.Logger) *logger { return &logger{slog: l, fatal: make(chan string, 1)} }

// last returns the last error or fatal message.
func (l *logger) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.worst
}

func (l *logger) keep(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.worst = text
}

// Noticef implements server.Logger. A start has thirty lines of it.
func (l *logger) Noticef(format string, v ...any) {
	l.slog.Debug("nats notice", "text", fmt.Sprintf(format, v...))
}

// Warnf implements server.Logger.
func (l *logger) Warnf(format string, v ...any) {
	l.slog.Warn("nats warning", "text", fmt.Sprintf(format, v...))
}

// Errorf implements server.Logger.
func (l *logger) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.keep(text)
	l.slog.Error("nats error", "text", text)
}

// Fatalf implements server.Logger. It does not end the process: that is not
// for a part of it to decide.
func (l *logger) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.keep(text)
	select {
	case l.fatal <- text:
	default:
	}
}

// Debugf implements server.Logger.
func (l *logger) Debugf(string, ...any) {}

// Tracef implements server.Logger.
func (l *logger) Tracef(string, ...any) {}
