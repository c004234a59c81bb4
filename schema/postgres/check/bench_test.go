package check

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/kutse-dev/kutse/deploy/dev/pgserver/pgtest"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/seal/kek"
)

// benchCases is how many cases the benchmark plays: each with the evidence, the
// verdicts and the findings of three competences.
const benchCases = 500

// BenchmarkCheck says how many cases, and how many audit rows, are checked a second.
func BenchmarkCheck(b *testing.B) {
	db := pgtest.Database(b, template)
	store, err := openStore(db.Service)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	a := &actors{ctx: context.Background(), Store: store}
	a.std = must(store.Standard(a.ctx, op, standardKey))
	a.judge(hilja, nil) // the task that was left open
	for n := range benchCases {
		who := postgres.Actor{ID: person.ID(fmt.Sprintf("bench%d", n)), Role: person.Candidate}
		must(a.AddPerson(a.ctx, op, request.AddPerson{Acting: newAct(), Person: who.ID, Name: "Taotleja", Roles: []person.Role{person.Candidate}}))
		a.open(who)
		for _, code := range []string{"B.2.1", "B.2.2", "B.2.3"} {
			a.support(code)
			a.handIn(code)
			a.judge(hilja, nil)
			a.weigh()
		}
	}
	super, err := sqlx.Connect("postgres", db.Superuser+"&search_path=kutse")
	if err != nil {
		b.Fatal(err)
	}
	defer super.Close()
	var audits int
	if err := super.Get(&audits, `SELECT count(*) FROM audit`); err != nil {
		b.Fatal(err)
	}
	key, err := kek.Open(keyURI())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := Run(b.Context(), Options{Database: db.Service, KEK: key, Now: time.Now(), SealedIn: 100 * time.Hour})
		if err != nil || r.Faults > 0 {
			b.Fatalf("%d faults, %v", r.Faults, err)
		}
	}
	perRun := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(float64(benchCases)/perRun, "cases/s")
	b.ReportMetric(float64(audits)/perRun, "audit-rows/s")
}
