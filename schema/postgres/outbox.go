package postgres

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/events/bus"
	"github.com/kutse-dev/kutse/schema/application"
)

// The key of the advisory lock that makes a process the only relay, and the
// channel on which the record says that there is news.
const (
	relayLock   = 0x6b75747365 // "kutse"
	newsChannel = "kutse_outbox"
)

// leadCheck is how often a leader asks whether its connection, and with it the
// lock, still stands; a follower, whether the lock is free.
const leadCheck = time.Second

// leadPatience is how long the connection may take to say so. After it the
// leader steps back: the server may have given the lock to another.
const leadPatience = 5 * time.Second

var tryLock = statement(`SELECT pg_try_advisory_lock($1)`)

// Lead blocks until this process is the only relay. The lock belongs to one
// connection: when that is lost, the lock is lost, and led is cancelled.
func (s *Store) Lead(ctx context.Context) (led context.Context, release func(), err error) {
	return s.lead(ctx, relayLock)
}

// lead blocks until this process alone holds an advisory lock.
func (s *Store) lead(ctx context.Context, lock int64) (led context.Context, release func(), err error) {
	conn, err := s.db.Connx(ctx)
	if err != nil {
		return nil, nil, explain(err)
	}
	tick := time.NewTicker(leadCheck)
	defer tick.Stop()
	for {
		var got bool
		if err := conn.GetContext(ctx, &got, tryLock, lock); err != nil {
			discard(conn) // it may hold the lock although the answer was lost
			return nil, nil, explain(err)
		}
		if got {
			break
		}
		select {
		case <-ctx.Done():
			return nil, nil, errors.Join(ctx.Err(), conn.Close())
		case <-tick.C:
		}
	}
	led, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		tick := time.NewTicker(leadCheck)
		defer tick.Stop()
		for {
			select {
			case <-led.Done():
				return
			case <-tick.C:
				ping, cancel := context.WithTimeout(led, leadPatience)
				err := conn.PingContext(ping)
				cancel()
				if err != nil {
					return
				}
			}
		}
	}()
	return led, func() {
		cancel()
		<-done
		discard(conn)
	}, nil
}

// discard ends a session instead of pooling its connection: that is what frees
// the lock.
func discard(conn *sqlx.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}

var (
	pendingFacts = statement(`
SELECT o.id, e.id AS event_id, e.order_key, e.subject, e.body
  FROM outbox o JOIN event e ON e.at = o.at AND e.id = o.event ORDER BY o.id LIMIT $1`)
	sentFacts = statement(`DELETE FROM outbox WHERE id = ANY ($1::bigint[])`)
)

// Pending returns facts that JetStream has not acknowledged, oldest first. Facts
// of one application come in the order of its sequence: their rows were written
// under the application's lock. There is no cursor: a slow transaction's fact
// shows up when it commits.
func (s *Store) Pending(ctx context.Context, limit int) ([]bus.Outgoing, error) {
	var rows []struct {
		ID       int64
		EventID  string `db:"event_id"`
		OrderKey string `db:"order_key"`
		Subject  string
		Body     string
	}
	if err := s.db.SelectContext(ctx, &rows, pendingFacts, limit); err != nil {
		return nil, explain(err)
	}
	out := make([]bus.Outgoing, 0, len(rows))
	for _, r := range rows {
		out = append(out, bus.Outgoing{ID: r.ID, EventID: r.EventID, OrderKey: r.OrderKey, Subject: r.Subject, Body: []byte(r.Body)})
	}
	return out, nil
}

// Sent forgets facts that JetStream acknowledged. A crash before it publishes
// them again, and JetStream drops them by their id.
func (s *Store) Sent(ctx context.Context, ids []int64) error {
	_, err := s.db.ExecContext(ctx, sentFacts, pq.Array(ids))
	return explain(err)
}

// Wakeups rings when the record has news, from whichever process. It is a hint:
// rings may be lost while a connection is down, so the relay polls too.
func (s *Store) Wakeups(ctx context.Context) (<-chan struct{}, error) {
	dsn, err := withParams(s.dsn, map[string]string{"application_name": "kutse-wakeups"})
	if err != nil {
		return nil, err
	}
	listener := pq.NewListener(dsn, 100*time.Millisecond, 10*time.Second, nil)
	// Listen waits for a connection for as long as there is none; closing ends that.
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	if err := listener.Listen(newsChannel); err != nil {
		stop()
		_ = listener.Close()
		return nil, explain(cmp.Or(context.Cause(ctx), err))
	}
	rings := make(chan struct{}, 1)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-listener.Notify: // nil after a reconnect: then there may be news, too
				select {
				case rings <- struct{}{}:
				default:
				}
			}
		}
	}()
	return rings, nil
}

var (
	allEvents = statement(`
SELECT at, id FROM event
 WHERE at >= $1 AND (at, id) > ($1, $2::uuid) AND at < $3 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.event = event.id)
 ORDER BY at, id LIMIT $4`)
	publishAgain = statement(`
INSERT INTO outbox (at, event) SELECT e.at, e.id FROM event e JOIN unnest($1::uuid[]) AS m (id) ON m.id = e.id
 WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.event = e.id) ORDER BY e.application, e.position, e.id`)
	underway = statement(`
SELECT id FROM application WHERE state NOT IN ('registered', 'refused', 'withdrawn') AND id > $1::uuid ORDER BY id LIMIT $2`)
)

const (
	zeroID        = "00000000-0000-0000-0000-000000000000"
	reconcilePage = 10_000
)

// PublishedFacts walks the ids of all facts recorded before a moment that the
// outbox holds no more: they must be in JetStream.
func (s *Store) PublishedFacts(ctx context.Context, before time.Time, visit func(ids []string) error) error {
	after, at := zeroID, time.Time{}
	for {
		var rows []struct {
			At time.Time
			ID string
		}
		if err := s.db.SelectContext(ctx, &rows, allEvents, at, after, before, reconcilePage); err != nil {
			return explain(err)
		}
		if len(rows) == 0 {
			return nil
		}
		ids := make([]string, 0, len(rows))
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		if err := visit(ids); err != nil {
			return err
		}
		at, after = rows[len(rows)-1].At, rows[len(rows)-1].ID
	}
}

// PublishAgain puts facts back into the outbox. Harmless twice: what is there
// already is not put there again, and JetStream drops what it has by its id.
func (s *Store) PublishAgain(ctx context.Context, ids []string) error {
	if _, err := s.db.ExecContext(ctx, publishAgain, pq.Array(ids)); err != nil {
		return fmt.Errorf("publishing again: %w", explain(err))
	}
	s.bell.ring()
	return nil
}

// Underway walks the applications that have not ended: each must have a workflow.
func (s *Store) Underway(ctx context.Context, visit func(application.ID) error) error {
	after := application.ID(zeroID)
	for {
		var ids []application.ID
		if err := s.db.SelectContext(ctx, &ids, underway, after, reconcilePage); err != nil {
			return explain(err)
		}
		for _, id := range ids {
			if err := visit(id); err != nil {
				return err
			}
			after = id
		}
		if len(ids) == 0 {
			return nil
		}
	}
}
