// Package sample draws a random sample of cases so that nobody can say afterwards
// that the cases were picked.
//
// The seed is 32 random bytes. Its commitment goes into the record before anybody
// says which cases the sample is of, and the seed itself when it is drawn. Anyone
// who has the seed and the ids of the cases draws the same sample again with
// nothing but xxd and sha256sum:
//
//	commitment   printf %s $SEED | xxd -r -p | sha256sum
//	score        { printf %s $SEED | xxd -r -p; printf %s $ID; } | sha256sum
//	sample       the cases with the N smallest scores
//	population   LC_ALL=C sort -u ids | sha256sum    (one id a line)
//
// Each case is as likely as any other, since its score is a hash of what nobody
// knew when the list was made.
package sample

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
)

// Seed is what a sample is drawn with. It is secret until it is drawn.
type Seed [32]byte

// String is the seed in 64 lower-case hexadecimal digits.
func (s Seed) String() string { return canon.Digest(s).String() }

// MarshalText implements encoding.TextMarshaler.
func (s Seed) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads 64 lower-case hexadecimal digits, and nothing else.
func (s *Seed) UnmarshalText(text []byte) error {
	d, err := canon.ParseDigest(string(text))
	if err != nil {
		return err
	}
	*s = Seed(d)
	return nil
}

// Commitment is what is published of the seed before the sample is drawn.
func (s Seed) Commitment() canon.Digest { return canon.Sum(s[:]) }

// Score is the place of a case in the draw: SHA-256(seed ‖ id).
func (s Seed) Score(id string) canon.Digest {
	return sha256.Sum256(append(s[:], id...))
}

// Drawn is one case of a sample.
type Drawn struct {
	ID    string
	Score canon.Digest
}

// Draw takes the n cases with the smallest scores, in the order of their scores.
// The order of ids does not matter; an id that stands twice counts once. Fewer
// cases than n are all drawn. Invalid when n is not positive or there is no case.
func (s Seed) Draw(ids []string, n int) ([]Drawn, error) {
	if n < 1 {
		return nil, fault.Invalid.New("a sample has at least one case, not %d", n)
	}
	if len(ids) == 0 {
		return nil, fault.Invalid.New("there is no case to draw from; widen the period or leave the standard out")
	}
	all := make([]Drawn, 0, len(ids))
	for _, id := range distinct(ids) {
		all = append(all, Drawn{id, s.Score(id)})
	}
	slices.SortFunc(all, func(a, b Drawn) int {
		return cmp.Or(bytes.Compare(a.Score[:], b.Score[:]), cmp.Compare(a.ID, b.ID))
	})
	return all[:min(n, len(all))], nil
}

// Population names the cases that a sample was drawn from: SHA-256 over their ids
// in order, each once, each with a line end.
func Population(ids []string) canon.Digest {
	var list bytes.Buffer
	for _, id := range distinct(ids) {
		list.WriteString(id + "\n")
	}
	return canon.Sum(list.Bytes())
}

func distinct(ids []string) []string { return slices.Compact(slices.Sorted(slices.Values(ids))) }
