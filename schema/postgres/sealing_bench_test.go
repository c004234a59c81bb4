package postgres_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/deploy/dev/pgserver"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/migrations"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
	"github.com/kutse-dev/kutse/schema/procedure"
	"github.com/kutse-dev/kutse/schema/seal/kek"
)

var (
	sealingTime   = flag.Duration("sealing-time", 4*time.Second, "how long each variant of BenchmarkSealing runs in each round")
	sealingRounds = flag.Int("sealing-rounds", 3, "rounds of BenchmarkSealing")
)

// sealingClients is how many candidates put evidence forward at once.
const sealingClients = 16

// BenchmarkSealing measures what the tamper-evident log costs the acts: candidates
// submit evidence at once, against a PostgreSQL that syncs each commit to the disk
// of the temporary folder, in turns
//
//   - with audit rows and a sealer that seals each second,
//   - without audit rows, and so without a log,
//   - with audit rows in a hash chain, whose head each act takes until its commit.
//
// It reports acts per second of each (the median of the rounds), the ratios, and how
// long rows wait to be sealed under this load.
//
//	go test ./schema/postgres -run '^$' -bench Sealing -benchtime 1x
func BenchmarkSealing(b *testing.B) {
	server, err := pgserver.Start(b.Context(), pgserver.Options{Dir: filepath.Join(b.TempDir(), "pg"), Durable: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Stop(context.Background()) })
	sealed := newContest(b, server, "sealed", "")
	bare := newContest(b, server, "bare", postgres.WithoutAudit())
	chained := newContest(b, server, "chained", postgres.InChain())
	for b.Loop() {
		var rates [3][]float64
		for range *sealingRounds {
			for i, c := range []*contest{sealed, bare, chained} {
				rates[i] = append(rates[i], c.run(b, i == 0))
			}
		}
		with, without, chain := median(rates[0]), median(rates[1]), median(rates[2])
		b.ReportMetric(with, "sealed-acts/s")
		b.ReportMetric(without, "bare-acts/s")
		b.ReportMetric(chain, "chained-acts/s")
		b.ReportMetric(with/without, "sealed/bare")
		b.ReportMetric(chain/without, "chained/bare")
		b.ReportMetric(with/chain, "sealed/chained")
		lag := sealed.lag(b)
		b.ReportMetric(lag[0]*1000, "lag-p50-ms")
		b.ReportMetric(lag[1]*1000, "lag-p95-ms")
		b.ReportMetric(lag[2]*1000, "lag-p99-ms")
		b.ReportMetric(0, "ns/op")
	}
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// contest is one variant: a record of its own and its candidates.
type contest struct {
	*postgres.Store
	db   *sqlx.DB // as superuser
	keys *ring
	who  []postgres.Actor
	apps []application.ID
}

func newContest(b *testing.B, server *pgserver.Server, name, save string) *contest {
	b.Helper()
	admin := benchConnect(b, server.SuperuserURL("postgres"))
	for _, q := range []string{"CREATE DATABASE " + name + " OWNER " + pgserver.OwnerRole} {
		if _, err := admin.Exec(q); err != nil {
			b.Fatal(err)
		}
	}
	owner := benchConnect(b, server.URL(name, pgserver.OwnerRole))
	if _, err := migrations.Up(b.Context(), owner.DB); err != nil {
		b.Fatal(err)
	}
	uri := "file:" + filepath.Join(b.TempDir(), "kek.json")
	if _, err := kek.Create(uri[len("file:"):]); err != nil {
		b.Fatal(err)
	}
	key, err := kek.Open(uri)
	if err != nil {
		b.Fatal(err)
	}
	store, err := postgres.Open(b.Context(), server.URL(name, pgserver.ServiceRole), postgres.Options{
		KEK: key, Now: time.Now, Limits: evidence.Limits{TextBytes: 64 << 10, Indicators: 100}, Log: slog.New(slog.DiscardHandler), Pool: sealingClients + 4,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	c := &contest{Store: store, db: benchConnect(b, server.SuperuserURL(name)), keys: newRing(b)}
	c.fill(b)
	if _, err := c.db.Exec(`CREATE TABLE kutse.chain_head (n bigint, hash bytea);
INSERT INTO kutse.chain_head VALUES (0, sha256('')); CREATE TABLE kutse.chain_link (n bigint PRIMARY KEY, audit uuid, hash bytea);
GRANT SELECT, INSERT, UPDATE ON kutse.chain_head, kutse.chain_link TO kutse_service`); err != nil {
		b.Fatal(err)
	}
	if save != "" {
		if err := c.SaveActsWith(b.Context(), save); err != nil {
			b.Fatal(err)
		}
	}
	return c
}

func benchConnect(b *testing.B, url string) *sqlx.DB {
	b.Helper()
	db, err := postgres.Connect(url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	return db
}

func (c *contest) fill(b *testing.B) {
	b.Helper()
	ctx := b.Context()
	must := func(_ request.Receipt, err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := c.FirstOperator(ctx, postgrestest.Operator.ID, "Olev Operaator"); err != nil {
		b.Fatal(err)
	}
	std, err := catalogue.ByKey(itManager)
	if err != nil {
		b.Fatal(err)
	}
	text, err := std.YAML()
	if err != nil {
		b.Fatal(err)
	}
	must(c.LoadStandard(ctx, postgrestest.Operator, request.LoadStandard{Acting: postgrestest.NewID(), YAML: string(text)}))
	must(c.LoadProcedure(ctx, postgrestest.Operator, request.LoadProcedure{Acting: postgrestest.NewID(), YAML: procedure.DefaultYAML()}))
	for i := range sealingClients {
		who := postgres.Actor{ID: person.ID(fmt.Sprint("b", i)), Role: person.Candidate}
		must(c.AddPerson(ctx, postgrestest.Operator, request.AddPerson{
			Acting: postgrestest.NewID(), Person: who.ID, Name: "Somebody", Roles: []person.Role{person.Candidate},
		}))
		r, err := c.OpenApplication(ctx, who, request.OpenApplication{Acting: postgrestest.NewID(), Standard: itManager})
		must(r, err)
		c.who, c.apps = append(c.who, who), append(c.apps, application.ID(r.Record))
	}
}

// run has every candidate submit for a while, and returns acts per second.
func (c *contest) run(b *testing.B, seals bool) float64 {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), *sealingTime)
	defer cancel()
	var n atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for i := range c.who {
		wg.Go(func() {
			for ctx.Err() == nil {
				if _, err := c.SubmitEvidence(b.Context(), c.who[i], request.SubmitEvidence{
					Acting: postgrestest.NewID(), Application: c.apps[i], Kind: evidence.Text, Text: "I led the team through the whole change.",
					Indicators: []catalogue.IndicatorID{{Competence: "B.2.8", Ordinal: 1}},
				}); err != nil {
					b.Error(err)
					return
				}
				n.Add(1)
			}
		})
	}
	if seals {
		wg.Go(func() { c.sealEachSecond(ctx, b) })
	}
	wg.Wait()
	return float64(n.Load()) / time.Since(began).Seconds()
}

// sealEachSecond does what the sealer of kutse serve does.
func (c *contest) sealEachSecond(ctx context.Context, b *testing.B) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		done, err := c.Seal(b.Context(), c.keys)
		if err != nil {
			b.Error(err)
			return
		}
		if done.More {
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// lag is the median, the 95th and the 99th percentile of the seconds from an act to
// the checkpoint that counts it, of what was sealed under load.
func (c *contest) lag(b *testing.B) []float64 {
	b.Helper()
	var lag pq.Float64Array
	if err := c.db.Get(&lag, `
SELECT percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM c.at - a.at)::float8)
  FROM kutse.log_entry a JOIN LATERAL (
       SELECT at FROM kutse.log_checkpoint c WHERE c.year = a.year AND c.size > a.position ORDER BY c.size LIMIT 1) AS c ON true
  JOIN kutse.audit t ON t.id = a.audit AND t.at = a.at
 WHERE t.act = 'evidence.submit' AND a.position > 100 AND c.at - a.at < $1::interval`, sealingTime.String()); err != nil {
		b.Fatal(err)
	}
	return lag
}
