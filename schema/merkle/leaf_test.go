package merkle_test

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

const id = "01a20fa2-2b3c-71ad-aac3-83b89e1a0459"

var digest = strings.Repeat("0f", 32)

func TestAnEntryInFull(t *testing.T) {
	t.Parallel()
	d, err := canon.ParseDigest(digest)
	if err != nil {
		t.Fatal(err)
	}
	for want, l := range map[string]merkle.Leaf{
		`{"act":"verdict.give","actor":"a3","application":"A","candidate":"c1","id":"` + id + `","object":"O","payload":"` + digest +
			`","records":["verdict V ` + digest + `","event E with spaces ` + digest + `"],"request":"R","role":"asr","sequence":6,"standard":"08-10052023-1.1/7k","time":"2026-11-24T23:18:38.000120Z","v":1}`: {
			ID: id, Time: time.Date(2026, 11, 25, 1, 18, 38, 120_999, time.FixedZone("Tallinn", 2*3600)), Act: "verdict.give", Actor: "a3", Role: "asr",
			Application: "A", Candidate: "c1", Standard: "08-10052023-1.1/7k", Object: "O", Sequence: 6, Request: "R", Payload: d,
			Records: []merkle.Record{{Kind: "verdict", ID: "V", Digest: d}, {Kind: "event", ID: "E with spaces", Digest: d}},
		},
		`{"act":"a\"\\\n\u0001<õ","id":"` + id + `","time":"0001-01-01T00:00:00.000001Z","v":1}`: {ID: id, Time: time.Time{}.Add(time.Microsecond), Act: "a\"\\\n\x01<õ"},
	} {
		got, err := l.Entry()
		if err != nil || string(got) != want {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
		back, err := merkle.ParseEntry(got)
		l.Time = l.Time.UTC().Truncate(time.Microsecond)
		if err != nil || !reflect.DeepEqual(back, l) {
			t.Errorf("got  %+v, %v\nwant %+v", back, err, l)
		}
	}
}

func TestWhatIsNoEntry(t *testing.T) {
	t.Parallel()
	good := `{"act":"a","id":"` + id + `","sequence":6,"time":"2026-11-24T23:18:38.000120Z","v":1}`
	if _, err := merkle.ParseEntry([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string][2]string{
		"another version":            {`"v":1`, `"v":2`},
		"an unknown word":            {`"id"`, `"ib":"","id"`},
		"an empty word":              {`,"id"`, `,"actor":"","id"`},
		"an empty act":               {`"act":"a"`, `"act":""`},
		"no id":                      {`"id":"` + id + `",`, ``},
		"an id in upper case":        {`01a20fa2`, `01A20FA2`},
		"an id that is none":         {id, "c1"},
		"words out of order":         {`"act":"a","id":"` + id + `"`, `"id":"` + id + `","act":"a"`},
		"a word twice":               {`"act":"a"`, `"act":"a","act":"a"`},
		"white space":                {`,"id"`, `, "id"`},
		"an escape for nothing":      {`"a"`, `"\u0061"`},
		"a long escape":              {`"a"`, `"\u000a"`},
		"an escape in upper case":    {`"a"`, `"\u000F"`},
		"a slash escaped":            {`"a"`, `"\/"`},
		"a control character":        {`"a"`, "\"\x01\""},
		"what is not UTF-8":          {`"a"`, "\"\xff\""},
		"a text without end":         {`"v":1}`, `"v`},
		"sequence zero":              {`:6`, `:0`},
		"a leading zero":             {`:6`, `:06`},
		"a fraction":                 {`:6`, `:6.0`},
		"a negative number":          {`:6`, `:-6`},
		"a number too large":         {`:6`, `:9007199254740993`},
		"no number":                  {`:6`, `:`},
		"a time with another zone":   {`120Z`, `120+00:00`},
		"a time to the second":       {`38.000120Z`, `38Z`},
		"a time with a comma":        {`38.0`, `38,0`},
		"a time that never was":      {`11-24`, `11-31`},
		"more after the end":         {`"v":1}`, `"v":1} `},
		"a second value":             {`"v":1}`, `"v":1}{}`},
		"nothing":                    {good, ``},
		"a list without records":     {`"sequence"`, `"records":[],"sequence"`},
		"a record without digest":    {`"sequence"`, `"records":["verdict 1"],"sequence"`},
		"a record of no kind":        {`"sequence"`, `"records":[" 1 ` + digest + `"],"sequence"`},
		"records with no end":        {`"sequence"`, `"records":["v 1 ` + digest + `","sequence"`},
		"a payload that is none":     {`"sequence"`, `"payload":"00","sequence"`},
		"a payload of nothing":       {`"sequence"`, `"payload":"` + strings.Repeat("0", 64) + `","sequence"`},
		"a payload in upper case":    {`"sequence"`, `"payload":"` + strings.ToUpper(digest) + `","sequence"`},
		"an entry longer than 64 KB": {`"a"`, `"` + strings.Repeat("a", 1<<16) + `"`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if l, err := merkle.ParseEntry([]byte(bad)); fault.Of(err) != fault.Invalid || bad == good {
			t.Errorf("%s: %.300s was read as %+v, %v", what, bad, l, err)
		}
	}
}

func TestALeafThatHasNoEntry(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(l *merkle.Leaf){
		"no id":                 func(l *merkle.Leaf) { l.ID = "" },
		"no act":                func(l *merkle.Leaf) { l.Act = "" },
		"no time":               func(l *merkle.Leaf) { l.Time = time.Time{} },
		"a year of five digits": func(l *merkle.Leaf) { l.Time = l.Time.AddDate(9000, 0, 0) },
		"what is not UTF-8":     func(l *merkle.Leaf) { l.Object = "\xff" },
		"a negative number":     func(l *merkle.Leaf) { l.Sequence = -1 },
		"a record of no kind":   func(l *merkle.Leaf) { l.Records[0].Kind = "" },
		"a kind of two words":   func(l *merkle.Leaf) { l.Records[0].Kind = "a b" },
		"a record of no id":     func(l *merkle.Leaf) { l.Records[0].ID = "" },
		"too many records":      func(l *merkle.Leaf) { l.Records = slices.Repeat(l.Records, 1000) },
	} {
		l := leaf(1)
		change(&l)
		if e, err := l.Entry(); fault.Of(err) != fault.Invalid {
			t.Errorf("%s: got %.200s, %v; want invalid", what, e, err)
		}
	}
}

// The form is that of schema/canon, whatever the texts hold.
func TestAnEntryIsCanonical(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	text := func() string {
		runes := []rune("ab\"\\/\b\f\n\r\t\v\x00\x1f\x7f<>&õ€\u2028\ufffd😀 ")
		s := make([]rune, rng.IntN(6))
		for i := range s {
			s[i] = runes[rng.IntN(len(runes))]
		}
		return string(s)
	}
	for range 3000 {
		l := leaf(rng.IntN(1 << 20))
		l.Act = "x" + text()
		l.Actor, l.Role, l.Application, l.Candidate, l.Standard, l.Object, l.Request = text(), text(), text(), text(), text(), text(), text()
		l.Sequence = rng.IntN(2) * rng.IntN(1<<40)
		l.Records = nil
		for range rng.IntN(3) {
			l.Records = append(l.Records, merkle.Record{Kind: "k", ID: "i" + text(), Digest: canon.Sum([]byte(text()))})
		}
		if rng.IntN(3) == 0 {
			l.Payload = canon.Digest{}
		}
		got := entry(t, l)
		want, err := canon.JSON(plainly(l))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got  %s\nwant %s, %v", got, want, err)
		}
		if back, err := merkle.ParseEntry(got); err != nil || !reflect.DeepEqual(back, l) {
			t.Fatalf("%s was read as %+v, %v; want %+v", got, back, err, l)
		}
	}
}

// plainly is the leaf as a reader of the format would write it down.
func plainly(l merkle.Leaf) map[string]any {
	m := map[string]any{"v": 1, "id": l.ID, "act": l.Act, "time": l.Time.Format("2006-01-02T15:04:05.000000Z")}
	for name, s := range map[string]string{
		"actor": l.Actor, "role": l.Role, "application": l.Application, "candidate": l.Candidate,
		"standard": l.Standard, "object": l.Object, "request": l.Request,
	} {
		if s != "" {
			m[name] = s
		}
	}
	if l.Sequence > 0 {
		m["sequence"] = l.Sequence
	}
	if l.Payload != (canon.Digest{}) {
		m["payload"] = hex.EncodeToString(l.Payload[:])
	}
	var records []string
	for _, r := range l.Records {
		records = append(records, r.Kind+" "+r.ID+" "+hex.EncodeToString(r.Digest[:]))
	}
	if records != nil {
		m["records"] = records
	}
	return m
}

func FuzzParseEntry(f *testing.F) {
	f.Add(entry(f, leaf(1)))
	f.Add([]byte(`{"act":"a\"\\\n\u0001<õ","id":"` + id + `","time":"0001-01-01T00:00:00.000001Z","v":1}`))
	f.Add([]byte(`{"act":"a","id":"` + id + `","records":["event E 1 ` + digest + `"],"time":"2026-11-24T23:18:38.000120Z","v":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := merkle.ParseEntry(b)
		if err != nil {
			return
		}
		again, err := l.Entry()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q was read and written as %q, %v", b, again, err)
		}
		if c, err := canon.Reformat(b); err != nil || !bytes.Equal(c, b) {
			t.Errorf("%q was read, and its canonical form is %q, %v", b, c, err)
		}
	})
}

func BenchmarkEntry(b *testing.B) {
	l := leaf(1)
	e := entry(b, l)
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if _, err := l.Entry(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if _, err := merkle.ParseEntry(e); err != nil {
				b.Fatal(err)
			}
		}
	})
}
