package check

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/kutse-dev/kutse/schema/canon"
)

var sampleRules = []rule{
	{
		name: "sample.drawn", says: "Each sample is drawn by its seed, which was committed to before the first of its cases was opened, from all of them.",
		source: "ISO 19011:2018, A.6 (sampling); our design: nobody can pick the cases", whole: samplesAreDrawn,
	},
}

func samplesAreDrawn(ctx context.Context, r *run, say say) error {
	var draws []row
	if err := r.each(ctx, "sample_draw", `SELECT row_to_json(t)::text FROM sample_draw t ORDER BY at`, func(d row) error {
		draws = append(draws, d)
		return nil
	}); err != nil {
		return err
	}
	for _, d := range draws {
		if err := r.drawAgain(ctx, d, func(format string, args ...any) { say(d.name(), format, args...) }); err != nil {
			return fmt.Errorf("%s: %w", d.name(), err)
		}
	}
	return nil
}

// candidateCase is a case that could be drawn.
type candidateCase struct {
	ID     string
	Opened time.Time
}

// drawAgain draws a sample from what is there now: a case is opened once and for
// ever, so a period that is over has the same cases at any time.
func (r *run) drawAgain(ctx context.Context, d row, say func(string, ...any)) error {
	seed := d.bytes("seed")
	var committed []struct {
		Commitment []byte
		At         time.Time
	}
	if err := r.tx.SelectContext(ctx, &committed, `SELECT commitment, at FROM sample WHERE id = $1::uuid`, d.text("sample")); err != nil {
		return err
	}
	if len(committed) == 0 {
		say("nobody committed to its seed")
		return nil
	}
	c := committed[0]
	if sum := sha256.Sum256(seed); !bytes.Equal(sum[:], c.Commitment) {
		say("its seed is not the one that was committed to")
	}
	if d.time("since").Before(c.At) || !d.time("until").Before(d.time("at")) {
		say("its period is %s to %s: it has to begin after the commitment, at %s, and to end before the draw, at %s", d.text("since"), d.text("until"), c.At.UTC(), d.text("at"))
	}
	var cases []candidateCase
	if err := r.tx.SelectContext(ctx, &cases, `
SELECT a.id, a.opened_at AS opened FROM application a
 WHERE a.opened_at >= $1::timestamptz AND a.opened_at < $2::timestamptz
   AND ($3 = '' OR EXISTS (SELECT 1 FROM standard s WHERE s.digest = a.standard AND s.key = $3)) ORDER BY a.id`,
		d.text("since"), d.text("until"), d.text("standard")); err != nil {
		return err
	}
	list := sha256.New()
	for _, one := range cases {
		if !one.Opened.After(c.At) {
			say("case %s was opened at %s, and its seed was committed to at %s", one.ID, one.Opened.UTC(), c.At.UTC())
		}
		_, _ = fmt.Fprintln(list, one.ID)
	}
	if digest := canon.Digest(list.Sum(nil)); d.whole("population") != len(cases) || d.text("digest") != digest.String() {
		say("it says %d cases with the digest %s; there are %d with %s", d.whole("population"), d.text("digest"), len(cases), digest)
	}
	if want := drawn(seed, cases, d.whole("size")); !slices.Equal(want, d.texts("cases")) {
		say("it has the cases %v, and its seed draws %v", d.texts("cases"), want)
	}
	return nil
}

// drawn are the n cases with the smallest SHA-256 of seed and id, smallest first.
func drawn(seed []byte, cases []candidateCase, n int) []string {
	type scored struct{ score, id string }
	all := make([]scored, 0, len(cases))
	for _, c := range cases {
		h := sha256.New()
		_, _ = h.Write(seed)
		_, _ = h.Write([]byte(c.ID))
		all = append(all, scored{hex.EncodeToString(h.Sum(nil)), c.ID})
	}
	slices.SortFunc(all, func(a, b scored) int { return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.id, b.id)) })
	ids := []string{}
	for _, s := range all[:max(0, min(n, len(all)))] {
		ids = append(ids, s.id)
	}
	return ids
}
