package wire

import (
	"context"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/gateway"
	"github.com/kutse-dev/kutse/schema/blob"
)

// How often the process looks after what is slow, and how long an upload that
// nobody goes on with is kept.
const (
	keepEvery  = 6 * time.Hour
	keepUpload = 7 * 24 * time.Hour
)

// duty is something that a process looks after now and then. Each is harmless
// twice, and in several processes at once.
type duty struct {
	what string
	do   func(context.Context) error
}

// duties are what this process looks after. blobs is nil where it has no door.
func (s *System) duties(blobs *blob.Store) []duty {
	all := []duty{
		{"prepare the next months of partitions", s.Record.EnsurePartitions},
		{"drop readings whose term is over", func(ctx context.Context) error {
			_, err := s.Record.ForgetOldReadings(ctx)
			return err
		}},
	}
	if blobs == nil {
		return all
	}
	return append(all,
		duty{"remove the files of erased people", func(ctx context.Context) error { return gateway.RemoveErased(ctx, s.Record, blobs) }},
		duty{"clear old uploads", func(context.Context) error {
			_, err := blobs.Expire(time.Now().Add(-keepUpload))
			return err
		}})
}

// keep does the process's duties as it begins and every few hours.
func (s *System) keep(ctx context.Context, blobs *blob.Store) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		for _, d := range s.duties(blobs) {
			if err := d.do(ctx); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "a duty of this process is not done", "duty", d.what, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
