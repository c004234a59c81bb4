package sealer

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

var benchRows = flag.Int("rows", 100_000, "rows of the audit trail in benchmarks")

// caseRows is how many audit rows a large case has: what is verified as one case.
const caseRows = 160

// BenchmarkScale takes a long audit trail all the way: sealed by the sealer,
// published to a folder, verified as a whole and case by case.
//
//	go test ./cmd/internal/sealer -run '^$' -bench Scale -benchtime 1x -timeout 3h -rows 10000000
func BenchmarkScale(b *testing.B) {
	for b.Loop() {
		r := postgrestest.New(b)
		dir := b.TempDir()
		postgrestest.FillAudit(b, r, *benchRows)
		ring, err := OpenKeyring(dir+"/keys", "kutse.test")
		if err != nil {
			b.Fatal(err)
		}
		rows := 0
		sealing := timed(b, func() error {
			for {
				done, err := r.Seal(b.Context(), ring)
				rows += done.Rows
				if err != nil || !done.More {
					return err
				}
			}
		})
		b.ReportMetric(float64(rows)/sealing.Seconds(), "sealed-rows/s")
		years, err := r.LogYears(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		publishing := timed(b, func() error {
			for _, y := range years {
				p, err := r.Publication(b.Context(), y)
				if err != nil {
					return err
				}
				if _, err := merkle.Publish(b.Context(), dir+"/log", r.Log(y), p); err != nil {
					return err
				}
			}
			return nil
		})
		b.ReportMetric(float64(rows)/publishing.Seconds(), "published-rows/s")
		verifying := timed(b, func() error { return verifyAll(b, r.Store, dir+"/log", years) })
		b.ReportMetric(verifying.Seconds(), "verify-all-s")
		b.ReportMetric(float64(rows)/verifying.Seconds(), "verified-rows/s")
		took := verifyCases(b, r.Store, dir+"/log", years)
		b.ReportMetric(took[len(took)/2].Seconds()*1000, "verify-case-p50-ms")
		b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "verify-case-p99-ms")
		b.ReportMetric(0, "ns/op")
	}
}

func timed(b *testing.B, do func() error) time.Duration {
	b.Helper()
	begun := time.Now()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	return time.Since(begun)
}

func verifyAll(b *testing.B, r *postgres.Store, folder string, years []int) error {
	b.Helper()
	for _, y := range years {
		report, err := merkle.Verify(b.Context(), yearly(folder, y), merkle.Options{Keys: []string{firstKey(b, r, y)}})
		if err != nil {
			return err
		}
		if !report.OK() {
			return fmt.Errorf("the log of %d: %v", y, report.Faults)
		}
	}
	return nil
}

// verifyCases verifies cases of the newest log whose rows lie close together, as
// those of a case do.
func verifyCases(b *testing.B, r *postgres.Store, folder string, years []int) []time.Duration {
	b.Helper()
	y := years[len(years)-1]
	p, err := r.Publication(b.Context(), y)
	if err != nil {
		b.Fatal(err)
	}
	c, err := merkle.ParseCheckpoint(p.Checkpoint)
	if err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	for range 100 {
		seen := map[int64]bool{}
		from := rand.Int64N(max(1, c.Size-caseRows*100))
		for range caseRows {
			seen[min(c.Size-1, from+rand.Int64N(caseRows*100))] = true
		}
		var positions []int64
		for at := range seen {
			positions = append(positions, at)
		}
		slices.Sort(positions)
		took = append(took, timed(b, func() error {
			report, _, err := merkle.VerifyEntries(b.Context(), yearly(folder, y), merkle.Options{Keys: []string{firstKey(b, r, y)}}, positions)
			if err == nil && !report.OK() {
				err = fmt.Errorf("%v", report.Faults)
			}
			return err
		}))
	}
	slices.Sort(took)
	return took
}

func yearly(folder string, year int) merkle.Dir {
	return merkle.Dir(fmt.Sprintf("%s/%d", folder, year))
}

func firstKey(b *testing.B, r *postgres.Store, year int) string {
	b.Helper()
	p, err := r.Publication(b.Context(), year)
	if err != nil || len(p.Keys) == 0 {
		b.Fatalf("the log of %d has the keys %v, %v", year, p.Keys, err)
	}
	return p.Keys[0].VKey
}
