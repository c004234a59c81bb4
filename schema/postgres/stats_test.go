package postgres_test

import (
	"testing"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/assessment"
)

// What is counted from where the last count ended must come to what a count of
// everything comes to, whatever of it is sealed and however old it is.
func TestTheCountsAreExact(t *testing.T) {
	t.Parallel()
	s, keys := begin(t), newRing(t)
	db := connect(t, s.DB.Superuser)
	check := func(when string) {
		t.Helper()
		var want request.Stats
		for into, table := range map[*int]string{
			&want.Submissions: "evidence_item", &want.Verdicts: "verdict", &want.AuditRows: "audit", &want.Events: "event", &want.Unpublished: "outbox",
		} {
			if err := db.Get(into, "SELECT count(*) FROM "+table); err != nil {
				t.Fatal(err)
			}
		}
		got := s.stats()
		if got.Submissions != want.Submissions || got.Verdicts != want.Verdicts || got.AuditRows != want.AuditRows || got.Events != want.Events || got.Unpublished != want.Unpublished {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
	}
	now := time.Now()
	if _, err := db.Exec(`SELECT ensure_partitions($1::date, 2)`, now.AddDate(0, 0, -6).Format(time.DateOnly)); err != nil {
		t.Fatal(err)
	}
	s.Clock.Set(now.AddDate(0, 0, -6))
	check("nothing sealed, days ago")
	s.submit("B.2.8/1")
	check("the same day")
	sealAll(t, s.Record, keys)
	check("all sealed")
	for day := -4; day <= 2; day += 2 {
		s.Clock.Set(now.AddDate(0, 0, day))
		s.submit("B.2.8/2")
		check("some sealed, some not")
	}
	s.assess("B.2.8", assessment.Shown)
	sealAll(t, s.Record, keys)
	check("with verdicts")
}
