package postgres

import (
	"context"
	"time"
)

// ringEvery is the least time between two rings. NOTIFY inside the business
// transaction takes a lock on the whole database until commit and costs two
// thirds of the throughput (reference/postgres.md 5); rung after commit and at
// most this often, it costs nothing that can be measured.
const ringEvery = 5 * time.Millisecond

// bell tells the relay, in whichever process it is, that there is news.
type bell struct {
	news chan struct{}
	quit chan struct{}
	done chan struct{}
}

var notify = statement(`SELECT pg_notify($1, '')`)

func newBell(s *Store) *bell {
	b := &bell{news: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	go b.run(s)
	return b
}

// ring says that something was committed. It never blocks.
func (b *bell) ring() {
	select {
	case b.news <- struct{}{}:
	default:
	}
}

func (b *bell) stop() {
	close(b.quit)
	<-b.done
}

func (b *bell) run(s *Store) {
	defer close(b.done)
	for {
		select {
		case <-b.quit:
			return
		case <-b.news:
		}
		// A ring that fails is not repeated: the relay polls as well.
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		if _, err := s.db.ExecContext(ctx, notify, newsChannel); err != nil {
			s.log.DebugContext(ctx, "relay not woken", "error", err)
		}
		cancel()
		select {
		case <-b.quit:
			return
		case <-time.After(ringEvery):
		}
	}
}
