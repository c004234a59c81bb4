package wire

import (
	"context"
	"testing"

	"github.com/kutse-dev/kutse/cmd/internal/play"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

// PostgreSQL is the record: what NATS and Temporal lose is made again from it.
func TestACaseGoesOnWhenNATSAndTemporalAreLost(t *testing.T) {
	t.Parallel()
	s := startServers(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	first := s.serve()
	p, slots := s.apply(ctx)
	// Three competences are through, two lie with assessors, one was handed in a
	// moment ago, the others have evidence or nothing.
	stop := s.assess(ctx)
	if err := handIn(ctx, p, slots[:3]...); err != nil {
		t.Fatal(err)
	}
	for _, code := range slots[:3] {
		if met, err := p.AwaitWeighed(ctx, code); err != nil || !met {
			t.Fatalf("%s is met %v, %v", code, met, err)
		}
	}
	stop()
	if err := handIn(ctx, p, slots[3:6]...); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Support(ctx, slots[6]); err != nil {
		t.Fatal(err)
	}
	s.allSealed()
	s.allPublished(first.Stream)
	first.stop()

	s.renew()
	sys := s.open()
	before := s.stats()
	found, err := sys.Reconcile(ctx, 0)
	lost := before.Events - before.Unpublished // what was recorded after the relay stopped waits in the outbox
	if want := (Reconciled{Facts: lost, Missing: lost, Cases: 1, Told: 1}); err != nil || found != want {
		t.Fatalf("with everything lost: %+v, %v; want %+v", found, err, want)
	}
	if got := s.stats(); got.Unpublished != before.Events || got.Events != before.Events || got.AuditRows != before.AuditRows {
		t.Errorf("the record holds %+v, before %+v; want all its facts to publish, and no new one", got, before)
	}
	second := s.run(sys)
	s.allSealed()
	s.allPublished(second.Stream)
	found, err = second.Reconcile(ctx, 0)
	if err != nil || found.Missing != 0 || found.Cases != 1 || found.Told != 1 {
		t.Errorf("again: %+v, %v; want nothing missing and the case told", found, err)
	}
	s.allSealed()
	s.allPublished(second.Stream)

	p, err = play.Resume(s.as(postgrestest.Candidate), p.Standard, p.App, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.assess(ctx)()
	if err := p.HandIn(ctx, slots[6]); err != nil {
		t.Fatal(err)
	}
	if err := handIn(ctx, p, slots[7:]...); err != nil {
		t.Fatal(err)
	}
	s.finish(ctx, p)
	s.allSealed()
	s.allPublished(second.Stream)
	found, err = second.Reconcile(ctx, 0)
	if want := (Reconciled{Facts: s.stats().Events}); err != nil || found != want {
		t.Errorf("after the end: %+v, %v; want %+v", found, err, want)
	}
}
