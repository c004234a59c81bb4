package postgres_test

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
	"github.com/kutse-dev/kutse/schema/reading"
)

var benchRows = flag.Int("rows", 200_000, "rows of the audit trail in benchmarks")

// BenchmarkSearch measures every search of the audit trail as the door asks it:
//
//	go test ./schema/postgres -run '^$' -bench Search -benchtime 200x -timeout 2h -rows 10000000
//
// It reports the median and the 99th percentile of each in milliseconds, for the
// first page and for one deep in time, how large the trail is, and what counting the
// record costs before and after the trail is sealed.
func BenchmarkSearch(b *testing.B) {
	r := postgrestest.New(b)
	begun := time.Now()
	f := postgrestest.FillAudit(b, r, *benchRows)
	rate := float64(f.Rows) / time.Since(begun).Seconds()
	b.Run("trail", func(b *testing.B) {
		sizes(b, r, f.Rows)
		b.ReportMetric(rate, "rows/s-filled")
		b.ReportMetric(0, "ns/op")
	})
	b.Run("stats/unsealed", func(b *testing.B) { measureStats(b, r) })
	begun = time.Now()
	for keys, more := newRing(b), true; more; {
		done, err := r.Seal(b.Context(), keys)
		if err != nil {
			b.Fatal(err)
		}
		more = done.More
	}
	sealed := float64(f.Rows) / time.Since(begun).Seconds()
	b.Run("sealing", func(b *testing.B) {
		b.ReportMetric(sealed, "rows/s-sealed")
		b.ReportMetric(0, "ns/op")
	})
	b.Run("stats/sealed", func(b *testing.B) { measureStats(b, r) })
	apps := make([]request.AuditPage, 64)
	for i := range apps {
		apps[i].Application = f.Application(b, r)
	}
	n := 0
	searches := []struct {
		name string
		make func() request.AuditPage
	}{
		{"everything", func() request.AuditPage { return request.AuditPage{} }},
		{"application", func() request.AuditPage { n++; return apps[n%len(apps)] }},
		{"candidate", func() request.AuditPage { return request.AuditPage{Candidate: f.Candidate()} }},
		{"assessor", func() request.AuditPage { return request.AuditPage{Actor: f.Assessor()} }},
		{"system", func() request.AuditPage { return request.AuditPage{Actor: person.System} }},
		{"standard", func() request.AuditPage { return request.AuditPage{Standard: f.Standard()} }},
		{"act", func() request.AuditPage { return request.AuditPage{Act: "verdict.give"} }},
		{"standard+act", func() request.AuditPage { return request.AuditPage{Standard: f.Standard(), Act: "verdict.give"} }},
		{"assessor+act", func() request.AuditPage { return request.AuditPage{Actor: f.Assessor(), Act: "verdict.give"} }},
		{"assessor+candidate", func() request.AuditPage { return request.AuditPage{Actor: f.Assessor(), Candidate: f.Candidate()} }},
		{"standard+no such act", func() request.AuditPage { return request.AuditPage{Standard: f.Standard(), Act: "nothing.happens"} }},
		{"system+no such act", func() request.AuditPage {
			return request.AuditPage{Actor: person.System, Act: "nothing.happens"}
		}},
		{"no such act", func() request.AuditPage { return request.AuditPage{Act: "nothing.happens"} }},
	}
	for _, s := range searches {
		for _, newest := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/newest=%v/first", s.name, newest), func(b *testing.B) {
				measure(b, r, func() request.AuditPage { q := s.make(); q.Newest = newest; return q })
			})
			b.Run(fmt.Sprintf("%s/newest=%v/deep", s.name, newest), func(b *testing.B) {
				measure(b, r, func() request.AuditPage {
					q := s.make()
					q.Newest = newest
					q.After = f.Moment().Format(time.RFC3339Nano) + ",00000000-0000-0000-0000-000000000000"
					return q
				})
			})
		}
		b.Run(s.name+"/a month", func(b *testing.B) {
			measure(b, r, func() request.AuditPage {
				q := s.make()
				from := f.Moment()
				to := from.AddDate(0, 1, 0)
				q.From, q.To = &from, &to
				return q
			})
		})
	}
}

func measureStats(b *testing.B, r *postgrestest.Record) {
	b.Helper()
	measureCalls(b, func() error {
		_, err := r.Stats(b.Context(), postgrestest.Auditor)
		return err
	})
}

func measure(b *testing.B, r *postgrestest.Record, ask func() request.AuditPage) {
	b.Helper()
	measureCalls(b, func() error {
		q := ask()
		q.Purpose, q.Limit = reading.Audit, 50
		_, err := r.Audit(b.Context(), postgrestest.Auditor, q)
		return err
	})
}

func measureCalls(b *testing.B, call func() error) {
	b.Helper()
	took := make([]time.Duration, 0, b.N)
	for b.Loop() {
		begun := time.Now()
		if err := call(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	at := func(share int) float64 { return float64(took[(len(took)-1)*share/100].Microseconds()) / 1000 }
	b.ReportMetric(at(50), "p50-ms")
	b.ReportMetric(at(99), "p99-ms")
	b.ReportMetric(0, "ns/op")
}

// sizes reports how many bytes a row takes, in the heap and in each index.
func sizes(b *testing.B, r *postgrestest.Record, rows int) {
	b.Helper()
	db, err := postgres.Connect(r.DB.Superuser)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var parts []struct {
		Name  string
		Bytes int64
	}
	if err := db.Select(&parts, `
SELECT 'heap' AS name, sum(pg_table_size(i.inhrelid))::bigint AS bytes FROM pg_inherits i WHERE i.inhparent = 'audit'::regclass
UNION ALL
SELECT c.relname, sum(pg_relation_size(i.inhrelid))::bigint
  FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_inherits i ON i.inhparent = c.oid
 WHERE x.indrelid = 'audit'::regclass GROUP BY c.relname`); err != nil {
		b.Fatal(err)
	}
	all := int64(0)
	for _, p := range parts {
		b.ReportMetric(float64(p.Bytes)/float64(rows), p.Name+"-B/row")
		all += p.Bytes
	}
	b.ReportMetric(float64(all)/float64(rows), "all-B/row")
}
