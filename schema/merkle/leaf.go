package merkle

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
)

// MaxEntry is how long an entry may be: its length is written in 16 bits.
const MaxEntry = 1<<16 - 1

// maxWhole is the largest number that every JSON reader keeps exactly.
const maxWhole = 1 << 53

// timeForm is RFC 3339 in UTC, always with six digits of a second.
const timeForm = "2006-01-02T15:04:05.000000Z"

// Leaf is what the log keeps of one audit row. It holds no word about a person
// that is not opaque or salted: an entry is public and for ever.
type Leaf struct {
	ID          string    // of the audit row, a UUID
	Time        time.Time // to the microsecond
	Act         string
	Actor       string
	Role        string
	Application string
	Candidate   string
	Standard    string
	Object      string
	Sequence    int // place in the case; 0 when the act belongs to none
	Request     string
	Payload     canon.Digest // salted where the request is about a person
	Records     []Record
}

// Record is a row or an event that an act left, with the digest of what it said.
type Record struct {
	Kind   string // name of the table, or "event"
	ID     string
	Digest canon.Digest
}

// String is the record as an entry names it: kind, id and digest, a space between.
func (r Record) String() string { return r.Kind + " " + r.ID + " " + r.Digest.String() }

// ParseRecord reads what String writes. An id may hold spaces; kind and digest never do.
func ParseRecord(s string) (Record, error) {
	kind, rest, _ := strings.Cut(s, " ")
	at := strings.LastIndexByte(rest, ' ')
	if kind == "" || at < 1 {
		return Record{}, fault.Invalid.New("a record is named by kind, id and digest, not %.80q", s)
	}
	d, err := canon.ParseDigest(rest[at+1:])
	if err != nil {
		return Record{}, fault.Invalid.New("record %.80q: %v", s, err)
	}
	return Record{Kind: kind, ID: rest[:at], Digest: d}, nil
}

// Entry is the leaf as the log holds it and as its hash is taken: canonical JSON,
// with what is empty left out. It fails on a leaf without act, id or time, on text
// that is not UTF-8, and on an entry longer than MaxEntry. A row whose entry fails
// can never be sealed and nothing after it either: whoever writes audit rows has to
// see to it before the row is there.
func (l Leaf) Entry() ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	b := l.write(make([]byte, 0, 640))
	if len(b) > MaxEntry {
		return nil, fault.Invalid.New("the log holds entries of at most %d bytes, and act %s would take %d: do it in smaller parts", MaxEntry, l.ID, len(b))
	}
	return b, nil
}

func (l Leaf) check() error {
	switch year := l.Time.UTC().Year(); {
	case !isUUID(l.ID):
		return fault.Invalid.New("an entry is named by a UUID in lower case, not %.80q", l.ID)
	case l.Act == "":
		return fault.Invalid.New("entry %s has no act", l.ID)
	case l.Time.IsZero() || year < 1 || year > 9999:
		return fault.Invalid.New("entry %s has no time", l.ID)
	case l.Sequence < 0 || l.Sequence > maxWhole:
		return fault.Invalid.New("entry %s is number %d of its case", l.ID, l.Sequence)
	}
	for _, s := range []string{l.Act, l.Actor, l.Role, l.Application, l.Candidate, l.Standard, l.Object, l.Request} {
		if !utf8.ValidString(s) {
			return fault.Invalid.New("entry %s holds %.80q, which is not UTF-8", l.ID, s)
		}
	}
	for _, r := range l.Records {
		if r.Kind == "" || strings.Contains(r.Kind, " ") || r.ID == "" || !utf8.ValidString(r.Kind+r.ID) {
			return fault.Invalid.New("entry %s: kind %.80q and id %.80q do not name a record", l.ID, r.Kind, r.ID)
		}
	}
	return nil
}

// isUUID says whether s is a UUID as the record writes them.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}
