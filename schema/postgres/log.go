package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/person"
)

// querier reads, in a transaction or beside all of them.
type querier interface {
	GetContext(ctx context.Context, into any, query string, args ...any) error
	SelectContext(ctx context.Context, into any, query string, args ...any) error
}

var (
	leafHashes = statement(`
SELECT position AS n, hash FROM log_entry WHERE year = $1 AND position >= $2 AND position < $3 ORDER BY position`)
	nodeHashes = statement(`
SELECT n, hash FROM log_node WHERE year = $1 AND level = $2 AND n >= $3 AND n < $4 ORDER BY n`)
	logEntries = statement(`
SELECT e.position AS place, a.id IS NOT NULL AS there,
       COALESCE(a.id, e.audit) AS id, COALESCE(a.at, e.at) AS at, COALESCE(a.actor, '') AS actor, COALESCE(a.role, '') AS role,
       COALESCE(a.act, '') AS act, a.application, a.candidate, a.standard, COALESCE(a.object, '') AS object,
       COALESCE(a.position, 0) AS position, COALESCE(a.request, '') AS request, a.payload, a.records
  FROM log_entry e LEFT JOIN audit a ON a.at = e.at AND a.id = e.audit
 WHERE e.year = $1 AND e.position >= $2 AND e.position < $3 ORDER BY e.position`)
)

type placedHash struct {
	N    int64
	Hash []byte
}

// logHashes are the hashes of a year's log as the record keeps them.
type logHashes struct {
	querier
	year int
}

// Tile implements merkle.Hashes. A hash that is not there is an error.
func (l logHashes) Tile(ctx context.Context, level int, n int64, width int) ([]merkle.Hash, error) {
	hashes, missing, err := l.tile(ctx, level, n, width)
	if err == nil && missing >= 0 {
		err = fault.Conflict.New("of the log of %d, hash %d of level %d is not in the record any more", l.year, missing, level)
	}
	return hashes, err
}

// tile reads a tile with zeros for what is not there, and says which is the first
// such; -1 for none.
func (l logHashes) tile(ctx context.Context, level int, n int64, width int) ([]merkle.Hash, int64, error) {
	first := n << merkle.Height
	var rows []placedHash
	var err error
	if level == 0 {
		err = l.SelectContext(ctx, &rows, leafHashes, l.year, first, first+int64(width))
	} else {
		err = l.SelectContext(ctx, &rows, nodeHashes, l.year, level, first, first+int64(width))
	}
	if err != nil {
		return nil, -1, explain(err)
	}
	hashes := make([]merkle.Hash, width)
	there := make([]bool, width)
	for _, r := range rows {
		if len(r.Hash) == len(hashes[0]) {
			hashes[r.N-first], there[r.N-first] = merkle.Hash(r.Hash), true
		}
	}
	for i, ok := range there {
		if !ok {
			return hashes, first + int64(i), nil
		}
	}
	return hashes, -1, nil
}

// LogReader reads the log of a year from the record, to publish it. What somebody
// took out of the record leaves an empty entry, or a hash of zeros, in its place, and
// a line in the service's log: the published form shows where, and is not held up.
type LogReader struct {
	log  *slog.Logger
	from logHashes
}

// Log reads the log of a year.
func (s *Store) Log(year int) LogReader { return LogReader{s.log, logHashes{s.db, year}} }

func (t tx) log(year int) LogReader { return LogReader{t.s.log, logHashes{t, year}} }

// Tile implements merkle.Hashes.
func (l LogReader) Tile(ctx context.Context, level int, n int64, width int) ([]merkle.Hash, error) {
	hashes, missing, err := l.from.tile(ctx, level, n, width)
	if missing >= 0 {
		l.log.ErrorContext(ctx, "a hash of the log is not in the record any more",
			slog.Int("year", l.from.year), slog.Int("level", level), slog.Int64("n", missing))
	}
	return hashes, err
}

// Entries implements merkle.Reader: the entries are made again from the audit rows.
func (l LogReader) Entries(ctx context.Context, from, to int64) ([][]byte, error) {
	var rows []struct {
		Place int64
		There bool
		leafRow
	}
	if err := l.from.SelectContext(ctx, &rows, logEntries, l.from.year, from, to); err != nil {
		return nil, explain(err)
	}
	entries := make([][]byte, to-from)
	for _, r := range rows {
		if !r.There {
			continue
		}
		entry, err := r.entry()
		if err != nil {
			l.log.ErrorContext(ctx, "an audit row was changed and makes no entry", slog.String("audit", r.ID), slog.Any("error", err))
			continue
		}
		entries[r.Place-from] = entry
	}
	for i, e := range entries {
		if e == nil {
			l.log.ErrorContext(ctx, "a sealed audit row is not in the record any more",
				slog.Int("year", l.from.year), slog.Int64("position", from+int64(i)))
		}
	}
	return entries, nil
}

var (
	logYears       = statement(`SELECT DISTINCT year FROM log_key ORDER BY year`)
	logCosignature = statement(`SELECT note FROM log_cosignature WHERE year = $1 AND size = $2 ORDER BY witness`)
	logKeys        = statement(`
SELECT k.origin, k.vkey, COALESCE(c.note, '') AS note
  FROM log_key k LEFT JOIN log_checkpoint c ON c.year = k.year AND c.size = k.from_size AND c.at = k.at
 WHERE k.year = $1 ORDER BY k.from_size, k.at`)
)

// LogYears lists the years that have a log.
func (s *Store) LogYears(ctx context.Context) ([]int, error) { return yearsOf(ctx, s.db) }

func yearsOf(ctx context.Context, q querier) ([]int, error) {
	var years []int
	return years, explain(q.SelectContext(ctx, &years, logYears))
}

// Publication is what goes out beside the entries and hashes of a year's log: its
// latest checkpoint, with what witnesses signed under it, and its keys. NotFound for
// a year without a log.
func (s *Store) Publication(ctx context.Context, year int) (merkle.Publication, error) {
	return publicationOf(ctx, s.db, year)
}

func publicationOf(ctx context.Context, q querier, year int) (merkle.Publication, error) {
	var p merkle.Publication
	var last checkpointRow
	missing, err := noRows(q.GetContext(ctx, &last, lastCheckpoint, year))
	if missing {
		return p, fault.NotFound.New("there is no log of %d", year)
	}
	if err != nil {
		return p, explain(err)
	}
	var cosigned []string
	if err := q.SelectContext(ctx, &cosigned, logCosignature, year, last.Size); err != nil {
		return p, explain(err)
	}
	p.Checkpoint = []byte(last.Note + strings.Join(cosigned, ""))
	var keys []struct{ Origin, VKey, Note string }
	if err := q.SelectContext(ctx, &keys, logKeys, year); err != nil {
		return p, explain(err)
	}
	for i, k := range keys {
		key := merkle.Key{VKey: k.VKey}
		if i > 0 {
			key.Transition = []byte(k.Note)
		}
		p.Keys = append(p.Keys, key)
	}
	return p, nil
}

// LogKeys lists the logs of the audit trail with the keys that verify them.
func (s *Store) LogKeys(ctx context.Context, a Actor) (request.LogKeys, error) {
	list := request.LogKeys{Logs: []request.LogLine{}}
	err := s.read(ctx, a, func(t tx) error {
		years, err := yearsOf(ctx, t)
		if err != nil {
			return err
		}
		for _, year := range years {
			p, err := publicationOf(ctx, t, year)
			if err != nil {
				return err
			}
			c, err := merkle.ParseCheckpoint(p.Checkpoint)
			if err != nil {
				return err
			}
			line := request.LogLine{Origin: c.Origin, Year: year, Size: c.Size}
			for _, k := range p.Keys {
				line.Keys = append(line.Keys, k.VKey)
			}
			list.Logs = append(list.Logs, line)
		}
		return nil
	})
	return list, err
}

// logPiece is how much of a file of the log one reply carries.
const logPiece = 512 << 10

// ReadLog reads bytes of a log's published form, made from the record: up to 512 KiB
// from the offset on; none at the end. Everybody who has a role here may read it.
func (s *Store) ReadLog(ctx context.Context, a Actor, req request.ReadLog) ([]byte, error) {
	if req.Offset < 0 {
		return nil, fault.Invalid.New("the offset is not negative")
	}
	var piece []byte
	err := s.read(ctx, a, func(t tx) error {
		file, err := t.logFile(ctx, req.Path)
		if errors.Is(err, fs.ErrNotExist) {
			return fault.NotFound.Because(err, "the log has no file %.120q: one is named by year and resource, as in 2026/checkpoint", req.Path)
		}
		if err != nil {
			return err
		}
		file = file[min(req.Offset, int64(len(file))):]
		piece = file[:min(logPiece, len(file))]
		return nil
	})
	return piece, err
}

// logFile makes a file of the published form.
func (t tx) logFile(ctx context.Context, path string) ([]byte, error) {
	if path == "logs" {
		years, err := yearsOf(ctx, t)
		var b strings.Builder
		for _, y := range years {
			fmt.Fprintf(&b, "%04d\n", y)
		}
		return []byte(b.String()), err
	}
	digits, name, _ := strings.Cut(path, "/")
	year, err := strconv.Atoi(digits)
	if err != nil || len(digits) != 4 || year < 1 {
		return nil, fs.ErrNotExist
	}
	p, err := publicationOf(ctx, t, year)
	if err != nil {
		return nil, err
	}
	return merkle.File(ctx, t.log(year), p, name)
}

var (
	// What is named in the trail itself: an audit row, a request, what an act recorded.
	// An index on all of that would be larger than the trail; an id leads to its
	// application, and that has an index.
	trailOfApplication = statement(`
SELECT a.id, a.candidate, a.actor FROM audit a
 WHERE a.application = $1::uuid AND (a.id::text = $2 OR a.object = $2 OR a.request = $2
       OR EXISTS (SELECT 1 FROM unnest(a.records) AS r WHERE split_part(r, ' ', 2) = $2))
 ORDER BY a.at DESC, a.id DESC LIMIT 1`)
	trailOfCandidate = statement(`
SELECT a.id, a.candidate, a.actor FROM audit a
 WHERE (a.candidate = $1 OR a.actor = $1) AND (a.id::text = $2 OR a.object = $2 OR a.request = $2
       OR EXISTS (SELECT 1 FROM unnest(a.records) AS r WHERE split_part(r, ' ', 2) = $2))
 ORDER BY a.at DESC, a.id DESC LIMIT 1`)
	trailOfNobody = statement(`
SELECT a.id, a.candidate, a.actor FROM audit a WHERE a.application IS NULL AND a.object = $1 ORDER BY a.at DESC, a.id DESC LIMIT 1`)
	trailByID = statement(`
SELECT a.id, a.candidate, a.actor FROM log_entry e JOIN audit a ON a.at = e.at AND a.id = e.audit WHERE e.audit = $1::uuid`)
	// The sealer comes here next: there are few.
	trailUnsealed = statement(`
SELECT a.id, a.candidate, a.actor FROM audit a, log_cursor c
 WHERE (a.xid, a.id) > (c.xid, c.id) AND (a.id::text = $1 OR a.object = $1 OR a.request = $1
       OR EXISTS (SELECT 1 FROM unnest(a.records) AS r WHERE split_part(r, ' ', 2) = $1))
 ORDER BY a.xid DESC, a.id DESC LIMIT 1`)
	// Of each thing that has an id of its own, the application that it belongs to.
	applicationOf = statement(`
SELECT id FROM application WHERE id = $1::uuid
UNION ALL SELECT application FROM evidence_item WHERE id = $1::uuid
UNION ALL SELECT application FROM verdict WHERE id = $1::uuid
UNION ALL SELECT application FROM decision WHERE id = $1::uuid
UNION ALL SELECT application FROM proposal WHERE id = $1::uuid
UNION ALL SELECT application FROM round WHERE id = $1::uuid
UNION ALL SELECT application FROM task WHERE id = $1::uuid
UNION ALL SELECT application FROM case_file WHERE id = $1::uuid
UNION ALL SELECT application FROM event WHERE id = $1::uuid AND at BETWEEN $2 AND $3 AND application IS NOT NULL
LIMIT 1`)
	applicationOfEntry = statement(`SELECT application FROM register_entry WHERE number = $1`)
	placeInLog         = statement(`SELECT year, position FROM log_entry WHERE audit = $1`)
)

type trailRow struct {
	ID        string
	Candidate sql.NullString
	Actor     string
}

// Prove shows that what an act recorded stands in the log: the newest act that
// recorded it, for an asker who may see it: a candidate what concerns them or what
// they did, the committee and the council everything. Unavailable while the act has
// no place in the log yet.
func (s *Store) Prove(ctx context.Context, a Actor, req request.OfRecord) (request.Proof, error) {
	var proof request.Proof
	err := s.read(ctx, a, func(t tx) error {
		row, err := t.trailOf(ctx, a, req.Record)
		if err != nil {
			return err
		}
		proof, err = t.prove(ctx, row.ID)
		proof.Record = req.Record
		return err
	})
	return proof, err
}

// trailOf finds the newest act that recorded something, for who may see it.
func (t tx) trailOf(ctx context.Context, a Actor, record string) (trailRow, error) {
	var row trailRow
	nobodys := fault.NotFound.New("there is no record %.80q that you may see", record)
	if record == "" || len(record) > 200 {
		return row, fault.Invalid.New("name a record by its id, or a register entry by its number")
	}
	app, err := t.applicationOf(ctx, record)
	if err != nil {
		return row, err
	}
	tries := []lookup{{trailOfCandidate, []any{a.ID, record}}}
	if a.Role == person.Committee || a.Role == person.Council {
		tries = append(tries, lookup{trailUnsealed, []any{record}}, lookup{trailOfNobody, []any{record}})
		if uuid.Validate(record) == nil {
			tries = append(tries, lookup{trailByID, []any{record}})
		}
	}
	if app != "" {
		tries = append([]lookup{{trailOfApplication, []any{app, record}}}, tries...)
	}
	for _, l := range tries {
		missing, err := noRows(t.GetContext(ctx, &row, l.query, l.args...))
		if err != nil {
			return row, err
		}
		if missing {
			continue
		}
		if a.Role == person.Candidate && row.Candidate.String != string(a.ID) && row.Actor != string(a.ID) {
			return row, nobodys
		}
		return row, nil
	}
	return row, nobodys
}

type lookup struct {
	query string
	args  []any
}

// applicationOf is the application that a record belongs to; empty for none.
func (t tx) applicationOf(ctx context.Context, record string) (app string, err error) {
	id, err := uuid.Parse(record)
	if err != nil || id.String() != record {
		missing, err := noRows(t.GetContext(ctx, &app, applicationOfEntry, record))
		if missing {
			app = ""
		}
		return app, err
	}
	// A fact's id says when it was recorded, so that one month is looked through.
	ms := int64(id[0])<<40 | int64(id[1])<<32 | int64(id[2])<<24 | int64(id[3])<<16 | int64(id[4])<<8 | int64(id[5])
	when := time.UnixMilli(ms & (1<<45 - 1)).UTC()
	missing, err := noRows(t.GetContext(ctx, &app, applicationOf, record, when.Add(-time.Minute), when.Add(time.Minute)))
	if missing {
		app = ""
	}
	return app, err
}

// prove makes the proof for an audit row.
func (t tx) prove(ctx context.Context, audit string) (request.Proof, error) {
	proof := request.Proof{Audit: audit}
	var place struct {
		Year     int
		Position int64
	}
	missing, err := noRows(t.GetContext(ctx, &place, placeInLog, audit))
	if missing {
		return proof, fault.Unavailable.New("this is not sealed yet: it is within a second or so; ask again")
	}
	if err != nil {
		return proof, err
	}
	proof.Year, proof.Position = place.Year, place.Position
	l, err := t.provingLog(ctx, place.Year)
	if err != nil {
		return proof, err
	}
	entries, err := t.log(place.Year).Entries(ctx, place.Position, place.Position+1)
	if err != nil {
		return proof, err
	}
	made, err := l.prove(ctx, place.Position, entries[0])
	if err != nil {
		return proof, err
	}
	// The entry goes along, so that the proof alone is enough for who has it.
	made.Extra = entries[0]
	proof.Entry, proof.Proof = string(entries[0]), string(made.Marshal())
	return proof, nil
}

// provingLog is a year's log at its latest checkpoint. It keeps the tiles that it
// read: the rows of one case stand near each other.
type provingLog struct {
	year       int
	hashes     merkle.Hashes
	checkpoint merkle.Checkpoint
	keys       []merkle.Key
}

func (t tx) provingLog(ctx context.Context, year int) (*provingLog, error) {
	p, err := publicationOf(ctx, t, year)
	if err != nil {
		return nil, err
	}
	c, err := merkle.ParseCheckpoint(p.Checkpoint)
	return &provingLog{year, merkle.Remember(logHashes{t, year}), c, p.Keys}, err
}

// prove makes the proof for an entry, as it is in the record now, at a position.
func (l *provingLog) prove(ctx context.Context, position int64, entry []byte) (merkle.Proof, error) {
	proof, err := merkle.Prove(ctx, l.hashes, l.checkpoint, position)
	if err != nil {
		return proof, err
	}
	if err := merkle.CheckRecord(proof.Hashes, l.checkpoint.Size, l.checkpoint.Root, position, merkle.HashEntry(entry)); err != nil {
		return proof, fault.Conflict.Because(err, "record %d of the log of %d was changed after it was sealed: it cannot be proved", position, l.year)
	}
	return proof, nil
}

// proofOf is the proof for something that an act recorded in an application; "" while
// it is not sealed. That one cannot be made keeps nobody from reading the record: it
// is logged.
func (t tx) proofOf(ctx context.Context, app application.ID, record string) (string, error) {
	var row trailRow
	missing, err := noRows(t.GetContext(ctx, &row, trailOfApplication, app, record))
	if err != nil || missing {
		return "", err
	}
	proof, err := t.prove(ctx, row.ID)
	switch {
	case errors.Is(err, fault.Unavailable):
		return "", nil
	case errors.Is(err, fault.Conflict):
		t.s.log.ErrorContext(ctx, "a record cannot be proved", slog.String("record", record), slog.Any("error", err))
		return "", nil
	}
	return proof.Proof, err
}
