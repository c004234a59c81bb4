package gateway_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/nats-io/nats.go"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

func postgresConnect(t *testing.T, url string) (*sqlx.DB, error) {
	t.Helper()
	db, err := postgres.Connect(url)
	if err == nil {
		t.Cleanup(func() { _ = db.Close() })
	}
	return db, err
}

func digest(content string) *canon.Digest {
	d := canon.Digest(sha256.Sum256([]byte(content)))
	return &d
}

// pdf is a file of size bytes that looks like a PDF.
func pdf(size int) string {
	return "%PDF-1.7\n" + strings.Repeat("0123456789abcdef", size/16+1)[:size-9]
}

func (d *door) openUpload(a postgres.Actor, content string) request.Upload {
	d.Helper()
	var up request.Upload
	if err := d.as(a).Ask(d.Context(), a.Role, "blob", "open", request.OpenUpload{Size: int64(len(content)), SHA256: *digest(content)}, &up); err != nil {
		d.Fatal(err)
	}
	return up
}

func (d *door) put(a postgres.Actor, upload, offset string, chunk []byte) error {
	d.Helper()
	msg := nats.NewMsg(request.Subject(a.Role, a.ID, "blob", "put"))
	msg.Header.Set("Upload-Id", upload)
	msg.Header.Set("Upload-Offset", offset)
	msg.Data = chunk
	_, err := d.as(a).Raw(d.Context(), msg)
	return err
}

func TestAnUploadGoesOnWhereItBroke(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	content := pdf(300_000)
	c := d.as(postgrestest.Candidate)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := c.Upload(ctx, strings.NewReader(content), func(sent, _ int64) {
		if sent == int64(2*limits.ChunkBytes) {
			c.Close() // the line goes dead
			cancel()
		}
	})
	if err == nil {
		t.Fatal("the upload went through a closed connection")
	}
	if up := d.openUpload(postgrestest.Candidate, content); up.Offset != int64(2*limits.ChunkBytes) {
		t.Errorf("the door has %d bytes, want %d", up.Offset, 2*limits.ChunkBytes)
	}
	var first int64
	got, err := d.as(postgrestest.Candidate).Upload(t.Context(), strings.NewReader(content), func(sent, _ int64) {
		if first == 0 {
			first = sent
		}
	})
	if err != nil || got != *digest(content) || first != int64(3*limits.ChunkBytes) {
		t.Errorf("went on to %d, digest %s, %v; want the third chunk first and %s", first, got, err, digest(content))
	}
	again, err := d.as(postgrestest.Candidate).Upload(t.Context(), strings.NewReader(content), func(int64, int64) { t.Error("it was sent again") })
	if err != nil || again != got {
		t.Errorf("the same file again: %s, %v", again, err)
	}
}

func TestWhatIsNoUploadOfYoursIsRefused(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	content := pdf(200_000)
	up := d.openUpload(postgrestest.Candidate, content)
	chunk := []byte(content[:up.ChunkBytes])
	false1, ok := strings.Repeat("x", len(content)), d.put
	for name, c := range map[string]struct {
		err  error
		kind fault.Kind
	}{
		"another person's upload":      {ok(postgrestest.Other, up.Upload, "0", chunk), fault.NotFound},
		"an offset that is no number":  {ok(postgrestest.Candidate, up.Upload, "x", chunk), fault.Invalid},
		"an offset before the file":    {ok(postgrestest.Candidate, up.Upload, "-1", chunk), fault.Conflict},
		"an offset that is ahead":      {ok(postgrestest.Candidate, up.Upload, strconv.Itoa(up.ChunkBytes), chunk), fault.Conflict},
		"an offset beyond all numbers": {ok(postgrestest.Candidate, up.Upload, "99999999999999999999", chunk), fault.Invalid},
		"a chunk too short":            {ok(postgrestest.Candidate, up.Upload, "0", chunk[1:]), fault.Invalid},
		"an empty chunk":               {ok(postgrestest.Candidate, up.Upload, "0", nil), fault.Invalid},
		"an id that leads elsewhere":   {ok(postgrestest.Candidate, "../../c2/x", "0", chunk), fault.Invalid},
		"no id":                        {ok(postgrestest.Candidate, "", "0", chunk), fault.Invalid},
		"a commit before the end":      {d.commit(postgrestest.Candidate, up.Upload), fault.Conflict},
		"a commit of another's":        {d.commit(postgrestest.Other, up.Upload), fault.NotFound},
		"a file of no bytes":           {d.announce(0, content), fault.Invalid},
		"a file beyond the limit":      {d.announce(limits.FileBytes+1, content), fault.Invalid},
	} {
		if !errors.Is(c.err, c.kind) {
			t.Errorf("%s: %v, want %s", name, c.err, c.kind)
		}
	}
	for at := 0; at < len(content); at += up.ChunkBytes {
		if err := d.put(postgrestest.Candidate, up.Upload, strconv.Itoa(at), []byte(false1[at:min(at+up.ChunkBytes, len(content))])); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.commit(postgrestest.Candidate, up.Upload); !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.Conflict) {
		t.Errorf("other bytes than announced: %v, want them refused", err)
	}
	if s := d.stats(); s.AuditRows == 0 || s.Submissions != 0 {
		t.Errorf("the record holds %+v, want no submission", s)
	}
}

func TestAFileIsRecordedOncePerRequest(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	send := func(content string) string {
		up := d.openUpload(postgrestest.Candidate, content)
		if err := d.put(postgrestest.Candidate, up.Upload, "0", []byte(content)); err != nil {
			t.Fatal(err)
		}
		return up.Upload
	}
	q := request.CommitUpload{Acting: client.NewID(), Upload: send(pdf(100))}
	first := d.must(postgrestest.Candidate, "blob", "commit", q)
	d.unchanged("the same request again", func() {
		if again := d.must(postgrestest.Candidate, "blob", "commit", q); !reflect.DeepEqual(again, first) {
			t.Errorf("again: %+v, want %+v", again, first)
		}
	})
	other := send(pdf(200))
	d.unchanged("another upload under the same id", func() {
		_, err := d.act(postgrestest.Candidate, "blob", "commit", request.CommitUpload{Acting: q.Acting, Upload: other})
		if !errors.Is(err, fault.Conflict) {
			t.Errorf("another upload under the same id: %v, want conflict", err)
		}
	})
	// Its file is on disk by now, as after a crash before the record.
	if err := d.commit(postgrestest.Candidate, other); err != nil {
		t.Errorf("the other upload under an id of its own: %v", err)
	}
}

func (d *door) commit(a postgres.Actor, upload string) error {
	d.Helper()
	_, err := d.act(a, "blob", "commit", request.CommitUpload{Acting: client.NewID(), Upload: upload})
	return err
}

func (d *door) announce(size int64, content string) error {
	d.Helper()
	return d.as(postgrestest.Candidate).Ask(d.Context(), "cand", "blob", "open", request.OpenUpload{Size: size, SHA256: *digest(content)}, nil)
}

// B.2.8 of the IT manager has two indicators to show.
func TestAFileIsReadByWhoMustJudgeItAndByNobodyElse(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	app := d.open(postgrestest.Candidate)
	content := pdf(700_000)
	file, err := d.as(postgrestest.Candidate).Upload(t.Context(), strings.NewReader(content), nil)
	if err != nil {
		t.Fatal(err)
	}
	both := []catalogue.IndicatorID{{Competence: "B.2.8", Ordinal: 1}, {Competence: "B.2.8", Ordinal: 2}}
	q := text(app, "", both...)
	q.Kind, q.File = "file", &file
	d.must(postgrestest.Candidate, "evidence", "submit", q)
	round := d.must(postgrestest.Candidate, "competence", "hand-in", request.HandIn{Acting: client.NewID(), Application: app.Application, Competences: []string{"B.2.8"}})
	// What the workflow does.
	if _, err := d.record.OpenAssessment(t.Context(), app.Application, []assessment.RoundID{assessment.RoundID(round.Record)}); err != nil {
		t.Fatal(err)
	}
	task := *d.must(postgrestest.Assessor, "task", "claim", request.ClaimTask{Acting: client.NewID()}).Claimed
	var seen request.TaskEvidence
	if err := d.as(postgrestest.Assessor).Ask(t.Context(), "asr", "task", "evidence", request.TaskEvidencePage{Task: task.Task}, &seen); err != nil {
		t.Fatal(err)
	}
	if len(seen.Items) != 1 || seen.Items[0].MediaType != "application/pdf" || seen.Items[0].Size != int64(len(content)) {
		t.Errorf("the assessor sees %+v, want one PDF of %d bytes", seen.Items, len(content))
	}
	byTask := request.ReadFile{Task: task.Task, File: file}
	byApp := request.ReadFile{Application: app.Application, File: file}
	for name, c := range map[string]struct {
		who postgres.Actor
		q   request.ReadFile
		may bool
	}{
		"the holder of the task":              {postgrestest.Assessor, byTask, true},
		"its candidate":                       {postgrestest.Candidate, byApp, true},
		"the committee":                       {postgrestest.Member, byApp, true},
		"another assessor":                    {postgrestest.Second, byTask, false},
		"the holder, by the application":      {postgrestest.Assessor, byApp, false},
		"another candidate":                   {postgrestest.Other, byApp, false},
		"another candidate, by the task":      {postgrestest.Other, byTask, false},
		"the holder, a file of another round": {postgrestest.Assessor, request.ReadFile{Task: task.Task, File: *digest("other")}, false},
		"its candidate, from before it":       {postgrestest.Candidate, request.ReadFile{Application: app.Application, File: file, Offset: -1}, false},
	} {
		got, err := d.read(c.who, c.q)
		if c.may && (err != nil || got != content) {
			t.Errorf("%s reads %d bytes, %v; want the %d of the file", name, len(got), err, len(content))
		}
		if !c.may && (!errors.Is(err, fault.NotFound) && !errors.Is(err, fault.Invalid) || got != "") {
			t.Errorf("%s reads %d bytes, %v; want a refusal", name, len(got), err)
		}
	}
	judged := request.GiveVerdicts{Acting: client.NewID(), Task: task.Task, Fence: task.Fence}
	for _, id := range task.Asked {
		judged.Verdicts = append(judged.Verdicts, request.Verdict{Indicator: id, Outcome: assessment.Shown})
	}
	d.must(postgrestest.Assessor, "verdict", "give", judged)
	if got, err := d.read(postgrestest.Assessor, byTask); !errors.Is(err, fault.NotFound) || got != "" {
		t.Errorf("whoever has judged the task reads %d bytes, %v; want a refusal", len(got), err)
	}
}

// read reads a whole file, reply by reply.
func (d *door) read(a postgres.Actor, q request.ReadFile) (string, error) {
	d.Helper()
	var file bytes.Buffer
	for {
		body := fmt.Sprintf(`{"application":%q,"task":%q,"file":%q,"offset":%d}`, q.Application, q.Task, q.File, q.Offset)
		part, err := d.as(a).Raw(d.Context(), &nats.Msg{Subject: request.Subject(a.Role, a.ID, "file", "read"), Data: []byte(body)})
		if err != nil || len(part) == 0 {
			return file.String(), err
		}
		file.Write(part)
		q.Offset += int64(len(part))
	}
}

// What a file is called says nothing; what it holds does.
func TestTheMediaTypeComesFromTheContent(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	app := d.open(postgrestest.Candidate)
	want := map[string]string{}
	for content, media := range map[string]string{
		pdf(100): "application/pdf", "\x89PNG\r\n\x1a\n": "image/png",
		"<html><script>": "text/html; charset=utf-8", "just words": "text/plain; charset=utf-8", "\x00\x01\x02": "application/octet-stream",
	} {
		file, err := d.as(postgrestest.Candidate).Upload(t.Context(), strings.NewReader(content), nil)
		if err != nil {
			t.Fatal(err)
		}
		q := text(app, "")
		q.Kind, q.File = "file", &file
		d.must(postgrestest.Candidate, "evidence", "submit", q)
		want[file.String()] = media
	}
	var list request.EvidenceList
	if err := d.as(postgrestest.Candidate).Ask(t.Context(), "cand", "evidence", "list", request.EvidencePage{Application: app.Application}, &list); err != nil {
		t.Fatal(err)
	}
	for _, item := range list.Items {
		if item.MediaType != want[item.File.String()] {
			t.Errorf("%s has the type %q, want %q", item.File, item.MediaType, want[item.File.String()])
		}
	}
	if len(list.Items) != len(want) {
		t.Errorf("%d files are evidence, want %d", len(list.Items), len(want))
	}
}
