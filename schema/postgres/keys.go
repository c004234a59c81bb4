package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/seal"
)

var (
	wrappedKey = statement(`SELECT wrapped FROM kutse_keys.data_key WHERE person = $1`)
	keepKey    = statement(`INSERT INTO kutse_keys.data_key (person, wrapped, kek, at) VALUES ($1, $2, $3, $4) ON CONFLICT (person) DO NOTHING`)
	isKnown    = statement(`SELECT EXISTS (SELECT 1 FROM person WHERE id = $1)`)
	isBarred   = statement(`SELECT EXISTS (SELECT 1 FROM kutse_keys.barred WHERE person = $1)`)
	lockPerson = statement(`SELECT pg_advisory_xact_lock(hashtextextended('person/' || $1, 0))`)
)

// sealer seals and opens under the keys of people, as this transaction sees them:
// a key that is erased meanwhile opens nothing here from the next transaction on.
func (t tx) sealer(ctx context.Context) seal.Sealer { return seal.Keyed{Keys: txKeys{ctx, t}} }

var errNoKEK = fault.Unavailable.New("this process has no key-encryption key: give it one with --kek")

// txKeys finds data keys for the length of one transaction.
type txKeys struct {
	ctx context.Context //nolint:containedctx // a transaction's, and gone with it: the sealer's methods take none
	t   tx
}

// DataKey implements seal.Keys.
func (k txKeys) DataKey(p person.ID) (seal.DataKey, error) {
	if key, ok := k.t.keys[p]; ok {
		return key, nil
	}
	key, err := k.t.s.dataKey(k.ctx, k.t, p)
	if err == nil {
		k.t.keys[p] = key
	}
	return key, err
}

// dataKey reads a person's key, in a transaction or outside of one.
func (s *Store) dataKey(ctx context.Context, q querier, p person.ID) (seal.DataKey, error) {
	var wrapped []byte
	missing, err := noRows(q.GetContext(ctx, &wrapped, wrappedKey, p))
	if err != nil {
		return seal.DataKey{}, fmt.Errorf("the key of %s: %w", p, err)
	}
	if missing {
		return seal.DataKey{}, fmt.Errorf("the key of %s: %w", p, seal.ErrErased)
	}
	if s.kek == nil {
		return seal.DataKey{}, errNoKEK
	}
	return s.kek.Unwrap(p, wrapped)
}

// Sealer seals and opens outside of a transaction, for the store of files. It asks
// the record for the key each time, so that an erased one is erased at once, in
// every process.
func (s *Store) Sealer() seal.Sealer { return seal.Keyed{Keys: poolKeys{s}} }

type poolKeys struct{ s *Store }

// DataKey implements seal.Keys.
func (k poolKeys) DataKey(p person.ID) (seal.DataKey, error) {
	key, err := k.s.dataKey(context.Background(), k.s.db, p)
	return key, explain(err)
}

// erasedText stands where a text was that is erased.
const erasedText = "[erased]"

// text opens a sealed text; where the key is destroyed it says so instead.
func (t tx) text(ctx context.Context, p person.ID, field string, sealed []byte) (string, error) {
	plain, err := t.sealer(ctx).Open(p, field, sealed)
	if erased(err) {
		return erasedText, nil
	}
	return string(plain), err
}

func erased(err error) bool { return errors.Is(err, seal.ErrErased) }

// meet makes a key for a person who is new here, and says whether they are. Who
// was erased stays erased: their id never gets another key. The lock lets two
// processes that meet the same person do it one after the other.
func (c *change) meet(ctx context.Context, p person.ID) (isNew bool, err error) {
	if _, err := c.ExecContext(ctx, lockPerson, p); err != nil {
		return false, err
	}
	var known bool
	if err := c.GetContext(ctx, &known, isKnown, p); err != nil {
		return false, err
	}
	if known {
		if _, err := (txKeys{ctx, c.tx}).DataKey(p); err != nil {
			return false, gone(err, p)
		}
		return false, nil
	}
	var barred bool
	if err := c.GetContext(ctx, &barred, isBarred, p); err != nil {
		return false, err
	}
	if barred {
		return false, fault.Conflict.New("%s was erased, as the log tells, though nothing else of them is here: an erased id never gets another key; choose a new one", p)
	}
	c.keys[p] = seal.NewDataKey()
	return true, nil
}

// keep stores the key that meet made, wrapped; data_key_of_a_person wants the
// person's row first.
func (c *change) keep(ctx context.Context, p person.ID) error {
	if c.s.kek == nil {
		return errNoKEK
	}
	id := c.s.kek.ID() // before wrapping: a row may be wrapped anew once too often, never too seldom
	wrapped, err := c.s.kek.Wrap(p, c.keys[p])
	if err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, keepKey, p, wrapped, id, c.at)
	return err
}

// gone says in words that what an act needs was erased, unless that was said already.
func gone(err error, p person.ID) error {
	if erased(err) && fault.Of(err) == "" {
		return fault.Conflict.Because(err, "what belonged to %s was erased", p)
	}
	return err
}
