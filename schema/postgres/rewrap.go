package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

var (
	keysByKEK = statement(`SELECT kek, count(*) AS people FROM kutse_keys.data_key GROUP BY kek ORDER BY kek`)
	keysUnder = statement(`
SELECT person, wrapped FROM kutse_keys.data_key WHERE kek <> $1 AND person > $2 ORDER BY person LIMIT $3`)
	// What was erased, or wrapped anew by another, meanwhile is left as it is.
	replaceKeys = statement(`
UPDATE kutse_keys.data_key k SET wrapped = n.wrapped, kek = $1
  FROM unnest($2::text[], $3::bytea[], $4::bytea[]) AS n (person, old, wrapped)
 WHERE k.person = n.person AND k.wrapped = n.old`)
)

// Wrapping says how many people's keys are wrapped under one key-encryption key.
type Wrapping struct {
	KEK    string `json:"kek"`
	People int    `json:"people"`
}

// Wrappings counts the keys of people by the key-encryption key that they are
// wrapped under.
func (s *Store) Wrappings(ctx context.Context) (list []Wrapping, err error) {
	err = s.transact(ctx, func(t tx) error {
		list = []Wrapping{}
		return t.SelectContext(ctx, &list, keysByKEK)
	})
	return list, err
}

// rewrapBatch is how many keys are wrapped anew in one transaction.
const rewrapBatch = 200

// Rewrap wraps every person's key anew that is not wrapped under the key-encryption
// key in use, and says how many. It changes no data key: what was sealed stays as it
// is. It may run beside everything else, and twice at once; a crash loses the batch
// that it was at, and the next Rewrap goes on. progress is told after each batch how
// many are done; it may be nil.
func (s *Store) Rewrap(ctx context.Context, progress func(done int)) (done int, err error) {
	if s.kek == nil {
		return 0, errNoKEK
	}
	for after := person.ID(""); ; {
		var looked, changed int
		last := after
		err := s.transact(ctx, func(t tx) (err error) {
			looked, changed, last, err = t.rewrap(ctx, after)
			return err
		})
		if err != nil {
			return done, err
		}
		if after, done = last, done+changed; progress != nil {
			progress(done)
		}
		if looked < rewrapBatch {
			return done, nil
		}
	}
}

// rewrap wraps one batch anew: what follows after a person.
func (t tx) rewrap(ctx context.Context, after person.ID) (looked, changed int, last person.ID, err error) {
	kek := t.s.kek.ID() // before wrapping: a row may be wrapped anew once too often, never too seldom
	var rows []struct {
		Person  person.ID
		Wrapped []byte
	}
	if err := t.SelectContext(ctx, &rows, keysUnder, kek, after, rewrapBatch); err != nil || len(rows) == 0 {
		return 0, 0, after, err
	}
	var people []string
	var before, now pq.ByteaArray
	for _, r := range rows {
		key, err := t.s.kek.Unwrap(r.Person, r.Wrapped)
		if err != nil {
			return 0, 0, after, err
		}
		wrapped, err := t.s.kek.Wrap(r.Person, key)
		if err != nil {
			return 0, 0, after, err
		}
		people, before, now = append(people, string(r.Person)), append(before, r.Wrapped), append(now, wrapped)
	}
	res, err := t.ExecContext(ctx, replaceKeys, kek, pq.Array(people), before, now)
	if err != nil {
		return 0, 0, after, fmt.Errorf("wrapping keys anew: %w", err)
	}
	n, err := res.RowsAffected()
	return len(rows), int(n), rows[len(rows)-1].Person, err
}

var (
	ownTransaction = statement(`SELECT pg_current_xact_id()::text`)
	isOver         = statement(`SELECT pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8`)
)

// overLook is how often it is asked whether earlier transactions have ended.
const overLook = 50 * time.Millisecond

// OnlyUnder returns once every person's key is wrapped under the key-encryption key
// named and no act that began before can add another: then the older ones may be
// forgotten. It is a Conflict when some are not.
func (s *Store) OnlyUnder(ctx context.Context, kek string) error {
	var now string
	if err := s.transact(ctx, func(t tx) error { return t.GetContext(ctx, &now, ownTransaction) }); err != nil {
		return err
	}
	// An act that adds a person has its number before it wraps the key.
	tick := time.NewTicker(overLook)
	defer tick.Stop()
	for over := false; !over; {
		if err := s.transact(ctx, func(t tx) error { return t.GetContext(ctx, &over, isOver, now) }); err != nil {
			return err
		}
		if over {
			break
		}
		select {
		case <-ctx.Done():
			return fault.Unavailable.Because(ctx.Err(), "a transaction that began before this is still at work; try again")
		case <-tick.C:
		}
	}
	list, err := s.Wrappings(ctx)
	if err != nil {
		return err
	}
	for _, w := range list {
		if w.KEK != kek {
			return fault.Conflict.New("the keys of %d people are still wrapped under %s: wrap them anew first, with `kutse keys rewrap`", w.People, w.KEK)
		}
	}
	return nil
}
