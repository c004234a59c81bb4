package bus

import (
	"context"
	"log/slog"
	"time"
)

// outage keeps the log to two lines however often something was tried, and the
// tries apart.
type outage struct {
	log   *slog.Logger
	what  string
	first time.Duration

	since time.Time
	pause time.Duration
}

// wait is called after each failure and returns when the next try is due.
func (o *outage) wait(ctx context.Context, err error) {
	if o.since.IsZero() {
		o.since = time.Now()
		o.pause = o.first
		if o.pause == 0 {
			o.pause = firstRetry
		}
		o.log.WarnContext(ctx, "outage began", slog.String("of", o.what), slog.Any("error", err))
	}
	timer := time.NewTimer(o.pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	o.pause = min(2*o.pause, lastRetry)
}

// over is called after each success.
func (o *outage) over() {
	if o.since.IsZero() {
		return
	}
	o.log.Info("outage ended", slog.String("of", o.what), slog.Duration("after", time.Since(o.since)))
	o.since = time.Time{}
}
