package postgres_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

func TestAMonthWithoutAPartitionFailsLoudlyAndLeavesNothing(t *testing.T) {
	t.Parallel()
	s := begin(t)
	before := s.stats()
	s.Clock.Set(time.Date(2035, 6, 15, 12, 0, 0, 0, time.UTC))
	_, err := s.SubmitEvidence(s.ctx, postgrestest.Candidate, s.text("too late", "B.2.8/1"))
	if err == nil || fault.Of(err) != "" || !strings.Contains(err.Error(), "no partition") {
		t.Errorf("in a month without a partition: %v, want an internal error that says so", err)
	}
	if after := s.stats(); !reflect.DeepEqual(after, before) {
		t.Errorf("the record holds %+v, before %+v", after, before)
	}
	if err := s.EnsurePartitions(s.ctx); err != nil {
		t.Fatal(err)
	}
	s.must(s.SubmitEvidence(s.ctx, postgrestest.Candidate, s.text("in time", "B.2.8/1")))
}

func TestANewPartitionIsAppendOnlyToo(t *testing.T) {
	t.Parallel()
	s := begin(t)
	db := connect(t, s.DB.Superuser)
	at := time.Date(2031, 11, 30, 23, 59, 59, 0, time.UTC)
	s.Clock.Set(at)
	for range 2 { // harmless twice
		if err := s.EnsurePartitions(s.ctx); err != nil {
			t.Fatal(err)
		}
	}
	for _, part := range []string{"audit_203111", "audit_203112", "audit_203201"} {
		var triggers []string
		if err := db.Select(&triggers, `SELECT tgname || ' ' || tgenabled::text FROM pg_trigger
 WHERE tgrelid = ('kutse.' || $1)::regclass AND NOT tgisinternal ORDER BY 1`, part); err != nil {
			t.Fatal(err)
		}
		if want := []string{"no_change A", "no_truncate A"}; !reflect.DeepEqual(triggers, want) {
			t.Errorf("%s has the triggers %v, want %v", part, triggers, want)
		}
	}
	s.must(s.SubmitEvidence(s.ctx, postgrestest.Candidate, s.text("on the last second of the month", "B.2.8/1")))
	var rows int
	if err := db.Get(&rows, `SELECT count(*) FROM audit_203111`); err != nil || rows != 1 {
		t.Errorf("the month's partition holds %d rows (%v), want 1", rows, err)
	}
	for _, url := range []string{s.DB.Service, s.DB.Owner, s.DB.Superuser} {
		for _, text := range []string{"DELETE FROM audit_203111", "TRUNCATE audit_203111", "UPDATE audit_203111 SET actor = 'x'"} {
			refused(t, connect(t, url), url, text)
		}
	}
}
