package seal_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/seal"
	"github.com/kutse-dev/kutse/schema/seal/sealtest"
)

const (
	mari  = person.ID("mari")
	jaan  = person.ID("jaan")
	field = "person.name"
)

// chunk is how much age seals in one piece.
const chunk = 64 << 10

func TestWhatIsSealedOpensAgain(t *testing.T) {
	t.Parallel()
	s := sealtest.Sealer()
	for name, plain := range map[string][]byte{
		"nothing":                   nil,
		"text":                      []byte("Mari Mägi\nTartu"),
		"bytes that look like tags": {0, 1, 0, 1},
		"long":                      bytes.Repeat([]byte("evidence "), chunk),
	} {
		sealed := sealed(t, s, mari, plain)
		if sealed[0] != 1 {
			t.Errorf("%s: format %#x, want 1", name, sealed[0])
		}
		if len(plain) > 8 && bytes.Contains(sealed, plain[:8]) {
			t.Errorf("%s: the plain text shows", name)
		}
		if got, err := s.Open(mari, field, sealed); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: got %d bytes, %v; want the %d that were sealed", name, len(got), err, len(plain))
		}
	}
}

func TestTheSameIsNeverSealedTheSameTwice(t *testing.T) {
	t.Parallel()
	s := sealtest.Sealer()
	if bytes.Equal(sealed(t, s, mari, []byte("yes")), sealed(t, s, mari, []byte("yes"))) {
		t.Error("equal plain text shows as equal")
	}
	if bytes.Equal(stream(t, s, []byte("yes")), stream(t, s, []byte("yes"))) {
		t.Error("equal files show as equal")
	}
}

func TestSealingCopies(t *testing.T) {
	t.Parallel()
	s, plain := sealtest.Sealer(), []byte("before")
	sealed := sealed(t, s, mari, plain)
	copy(plain, "AFTER!")
	before := bytes.Clone(sealed)
	got, err := s.Open(mari, field, sealed)
	if err != nil || string(got) != "before" {
		t.Errorf("got %q, %v; want what was sealed", got, err)
	}
	if !bytes.Equal(sealed, before) {
		t.Error("opening changed what is sealed")
	}
}

// pairs that would read the same if they were only written one after the other.
var pairs = []struct {
	p     person.ID
	field string
}{
	{mari, field},
	{jaan, field},
	{mari, "person.contact"},
	{mari, ""},
	{"marip", "erson.name"},
	{"mar", "iperson.name"},
	{mari, "\x04mariperson.name"},
}

func TestWhatIsSealedOpensOnlyForItsPersonAndField(t *testing.T) {
	t.Parallel()
	// One key for everybody: it is not only the key that keeps people apart.
	s := seal.Keyed{Keys: one(seal.NewDataKey())}
	short, long := sealed(t, s, mari, []byte("Mari")), stream(t, s, []byte("Mari"))
	for _, of := range pairs[1:] {
		if got, err := s.Open(of.p, of.field, short); err == nil {
			t.Errorf("Open for %q %q = %q, want an error", of.p, of.field, got)
		}
		for name, r := range readers(long) {
			if _, err := s.OpenFrom(of.p, of.field, r); err == nil {
				t.Errorf("%s for %q %q was accepted", name, of.p, of.field)
			}
		}
	}
	other := seal.Keyed{Keys: one(seal.NewDataKey())}
	if _, err := other.Open(mari, field, short); err == nil {
		t.Error("it opened under another key")
	}
	for name, r := range readers(long) {
		if _, err := other.OpenFrom(mari, field, r); err == nil {
			t.Errorf("%s opened under another key", name)
		}
	}
}

// one is the key of everybody.
type one seal.DataKey

func (k one) DataKey(person.ID) (seal.DataKey, error) { return seal.DataKey(k), nil }

// readers are one that can seek and one that only reads on.
func readers(b []byte) map[string]io.Reader {
	return map[string]io.Reader{"seeking": bytes.NewReader(b), "reading on": struct{ io.Reader }{bytes.NewReader(b)}}
}

func TestAPieceThatWasChangedDoesNotOpen(t *testing.T) {
	t.Parallel()
	s := sealtest.Sealer()
	whole := sealed(t, s, mari, []byte("Mari"))
	changed(whole, func(what string, b []byte) {
		if got, err := s.Open(mari, field, b); err == nil {
			t.Errorf("%s: Open = %q, want an error", what, got)
		}
	})
}

func TestAFileThatWasChangedIsNotRead(t *testing.T) {
	t.Parallel()
	s := sealtest.Sealer()
	plain := []byte("Mari Mägi, Tartu")
	changed(stream(t, s, plain), func(what string, b []byte) {
		for name, r := range readers(b) {
			if got, err := readAll(s, r); err == nil {
				t.Errorf("%s, %s: %q, want an error", what, name, got)
			}
		}
	})
}

// changed hands in what became of whole: each bit changed, each length cut, and
// something put before or after it.
func changed(whole []byte, try func(what string, b []byte)) {
	for i := range whole {
		for bit := range 8 {
			b := bytes.Clone(whole)
			b[i] ^= 1 << bit
			try(fmt.Sprintf("bit %d of byte %d changed", bit, i), b)
		}
		try(fmt.Sprintf("cut to %d", i), whole[:i])
	}
	try("something after it", append(bytes.Clone(whole), 0))
	try("something before it", append([]byte{1}, whole...))
	try("twice", append(bytes.Clone(whole), whole...))
}

func TestAPartOfAFileNeverPassesForTheWhole(t *testing.T) {
	t.Parallel()
	s := sealtest.Sealer()
	plain := bytes.Repeat([]byte("0123456789abcdef"), 3*chunk/16)
	whole := stream(t, s, plain)
	const sealedChunk = chunk + 16
	head := len(whole) - 3*sealedChunk
	first, second, third := whole[head:head+sealedChunk], whole[head+sealedChunk:head+2*sealedChunk], whole[head+2*sealedChunk:]
	other := stream(t, s, plain)
	for name, parts := range map[string][][]byte{
		"without the last chunk":        {whole[:head], first, second},
		"without the first chunk":       {whole[:head], second, third},
		"without the middle":            {whole[:head], first, third},
		"two chunks swapped":            {whole[:head], second, first, third},
		"a chunk twice":                 {whole[:head], first, first, second, third},
		"the last chunk twice":          {whole[:head], first, second, third, third},
		"no chunks":                     {whole[:head]},
		"cut within the last":           {whole[:head], first, second, third[:100]},
		"a chunk of another file":       {whole[:head], first, other[len(other)-2*sealedChunk : len(other)-sealedChunk], third},
		"the header of another file":    {other[:head], first, second, third},
		"the nonce of another file":     {whole[:head-16], other[head-16 : head], first, second, third},
		"the other file without nonces": {whole[:head-16], other[head:]},
	} {
		for how, r := range readers(bytes.Join(parts, nil)) {
			if got, err := readAll(s, r); err == nil {
				t.Errorf("%s, %s: %d bytes, want an error", name, how, len(got))
			} else if !bytes.HasPrefix(plain, got) {
				t.Errorf("%s, %s: before the error it gave what was not sealed", name, how)
			}
		}
	}
}

func TestOtherFormatsAreRefused(t *testing.T) {
	t.Parallel()
	s := sealtest.Sealer()
	for _, sealed := range []string{"", "\x00Mari", "\x02locked", "Mari", "\x01"} {
		if got, err := s.Open(mari, field, []byte(sealed)); err == nil {
			t.Errorf("Open(%q) = %q, want an error", sealed, got)
		}
		for name, r := range readers([]byte(sealed)) {
			if _, err := s.OpenFrom(mari, field, r); err == nil {
				t.Errorf("OpenFrom(%q), %s, was accepted", sealed, name)
			}
		}
	}
}

func TestAFileIsNoPieceAndAPieceNoFile(t *testing.T) {
	t.Parallel()
	s := sealtest.Sealer()
	if _, err := s.Open(mari, field, stream(t, s, []byte("Mari"))); err == nil {
		t.Error("a file opened as a piece")
	}
	for name, r := range readers(sealed(t, s, mari, []byte("Mari"))) {
		if _, err := s.OpenFrom(mari, field, r); err == nil {
			t.Errorf("a piece opened as a file, %s", name)
		}
	}
}

func TestWhoseAndWhereIsAlwaysSaid(t *testing.T) {
	t.Parallel()
	s := sealtest.Sealer()
	for _, of := range []struct {
		p     person.ID
		field string
	}{{"", field}, {mari, ""}} {
		for what, err := range map[string]error{
			"Seal":     second(s.Seal(of.p, of.field, nil)),
			"Open":     second(s.Open(of.p, of.field, []byte{1})),
			"SealTo":   second(s.SealTo(of.p, of.field, io.Discard)),
			"OpenFrom": second(s.OpenFrom(of.p, of.field, strings.NewReader("\x01"))),
			"Salt":     second(s.Salt(of.p, of.field)),
		} {
			if err == nil {
				t.Errorf("%s(%q, %q) was accepted", what, of.p, of.field)
			}
		}
	}
}

func TestNothingOpensOnceTheKeyIsDestroyed(t *testing.T) {
	t.Parallel()
	keys := new(sealtest.Keys)
	s := seal.Keyed{Keys: keys}
	short, long := sealed(t, s, mari, []byte("Mari")), stream(t, s, []byte("Mari"))
	of := sealed(t, s, jaan, []byte("Jaan"))
	keys.Forget(mari)
	for what, err := range map[string]error{
		"Seal":     second(s.Seal(mari, field, nil)),
		"Open":     second(s.Open(mari, field, short)),
		"SealTo":   second(s.SealTo(mari, field, io.Discard)),
		"OpenFrom": second(s.OpenFrom(mari, field, bytes.NewReader(long))),
		"Salt":     second(s.Salt(mari, "request.1")),
	} {
		if !errors.Is(err, seal.ErrErased) {
			t.Errorf("%s: %v, want ErrErased", what, err)
		}
	}
	if got, err := s.Open(jaan, field, of); err != nil || string(got) != "Jaan" {
		t.Errorf("another person: %q, %v", got, err)
	}
}

func TestAReaderSeeksWhenWhatIsUnderItDoes(t *testing.T) {
	t.Parallel()
	s := sealtest.Sealer()
	plain := []byte("Mari Mägi, Tartu")
	under := bytes.NewReader(stream(t, s, plain))
	if _, err := under.Seek(7, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	r, err := s.OpenFrom(mari, field, under)
	if err != nil {
		t.Fatal(err)
	}
	seeker, ok := r.(io.ReadSeeker)
	if !ok {
		t.Fatal("the reader cannot seek")
	}
	if err := iotest.TestReader(seeker, plain); err != nil {
		t.Error(err)
	}
	on, err := s.OpenFrom(mari, field, readers(stream(t, s, plain))["reading on"])
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := on.(io.Seeker); ok {
		t.Error("a reader seeks where what is under it cannot")
	}
	if err := iotest.TestReader(on, plain); err != nil {
		t.Error(err)
	}
}

func TestReadingFromAnyOffset(t *testing.T) {
	t.Parallel()
	s := sealtest.Sealer()
	for _, size := range []int64{0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk} {
		plain := bytes.Repeat([]byte("0123456789abcdef"), int(size)/16+1)[:size]
		r, err := s.OpenFrom(mari, field, bytes.NewReader(stream(t, s, plain)))
		if err != nil {
			t.Fatal(err)
		}
		seeker := r.(io.ReadSeeker)
		if end, err := seeker.Seek(0, io.SeekEnd); err != nil || end != size {
			t.Errorf("of %d bytes the end is at %d, %v", size, end, err)
		}
		for _, at := range []int64{0, 5, chunk - 1, chunk, chunk + 1, 2*chunk - 3, size - 1, size, size + 1, size + 2*chunk} {
			if at < 0 {
				continue
			}
			if _, err := seeker.Seek(at, io.SeekStart); err != nil {
				t.Errorf("of %d bytes, seeking to %d: %v", size, at, err)
			}
			got, err := io.ReadAll(seeker)
			if want := plain[min(at, size):]; err != nil || !bytes.Equal(got, want) {
				t.Errorf("of %d bytes from %d: %d bytes, %v; want the last %d", size, at, len(got), err, len(want))
			}
		}
		if at, err := seeker.Seek(-size-1, io.SeekEnd); err == nil {
			t.Errorf("of %d bytes, seeking before the beginning led to %d", size, at)
		}
	}
}

// A reader from an offset reads the chunk there and the last one, and not what is
// before it.
func TestReadingFromAnOffsetDoesNotReadAllBefore(t *testing.T) {
	t.Parallel()
	s := sealtest.Sealer()
	plain := bytes.Repeat([]byte("0123456789abcdef"), 100*chunk/16)
	under := &counting{Reader: bytes.NewReader(stream(t, s, plain))}
	r, err := s.OpenFrom(mari, field, under)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.(io.Seeker).Seek(90*chunk+5, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 10)
	if _, err := io.ReadFull(r, b); err != nil || string(b) != "56789abcde" {
		t.Errorf("got %q, %v", b, err)
	}
	if under.read > 5*chunk {
		t.Errorf("it read %d bytes for 10, want a few chunks of %d", under.read, chunk)
	}
}

type counting struct {
	*bytes.Reader
	read int
}

func (c *counting) ReadAt(b []byte, offset int64) (int, error) {
	n, err := c.Reader.ReadAt(b, offset)
	c.read += n
	return n, err
}

func TestWhatWasNotClosedDoesNotOpen(t *testing.T) {
	t.Parallel()
	s := sealtest.Sealer()
	var b bytes.Buffer
	w, err := s.SealTo(mari, field, &b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 2*chunk)); err != nil {
		t.Fatal(err)
	}
	for name, r := range readers(b.Bytes()) {
		if _, err := readAll(s, r); err == nil {
			t.Errorf("%s: it opened", name)
		}
	}
}

func TestASaltIsOfOnePersonAndOneRecord(t *testing.T) {
	t.Parallel()
	s := sealtest.Sealer()
	salts := map[canon.Salt]string{{}: "none"}
	for _, p := range []person.ID{mari, jaan} {
		for _, record := range []string{"request.1", "request.2", "evidence.1", "request.1\n", "\nrequest.1"} {
			salt, err := s.Salt(p, record)
			name := fmt.Sprintf("%s %q", p, record)
			if err != nil || salts[salt] != "" {
				t.Errorf("%s: %v, the same as %s", name, err, salts[salt])
			}
			salts[salt] = name
			if again, err := s.Salt(p, record); err != nil || again != salt {
				t.Errorf("%s: then %s, now %s, %v", name, salt, again, err)
			}
		}
	}
}

// What is stored depends on these. They were made with another implementation of
// everything, Python's cryptography, from the descriptions of HKDF (RFC 5869),
// AES-GCM and the age format.
const (
	goldenSalt  = "cab54d3f01a588b2048f73c6af1852fcc08cffd6fc556a9009639b3dd0e165ea"
	goldenPiece = "016465666768696a6b6c6d6e6f5b7c976647f2ae1f2722a09980b501ac5bea33a41bdb57d2eca1"
	goldenFile  = "016167652d656e6372797074696f6e2e6f72672f76310a2d3e206b757473650a4d6a4d304e5459334f446b364f7a773947544938462b495837494e31724170617146706a5974673331642f4b65774a66514d5a52524d55557a6d380a2d2d2d20645a694a6a692f554157316e356a787049494c5833674568697367574c53444762777473695456334a4b380a101112131415161718191a1b1c1d1e1f88d556eb9b30188277a6d64aa104f4c4d6100ef596b4fb079ee0"
)

func TestTheFormatNeverChanges(t *testing.T) {
	t.Parallel()
	raw := make([]byte, 32)
	for i := range raw {
		raw[i] = byte(i)
	}
	key, err := seal.ParseDataKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	s := seal.Keyed{Keys: one(key)}
	salt, err := s.Salt(mari, "request.1")
	if err != nil || salt.String() != goldenSalt {
		t.Errorf("salt %s, %v; want %s", salt, err, goldenSalt)
	}
	for name, golden := range map[string]string{"piece": goldenPiece, "file": goldenFile} {
		sealed, err := hex.DecodeString(golden)
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		if name == "piece" {
			got, err = s.Open(mari, field, sealed)
		} else {
			got, err = readAll(s, bytes.NewReader(sealed))
		}
		if err != nil || string(got) != "Mari Mägi" {
			t.Errorf("%s: %q, %v; want %q", name, got, err, "Mari Mägi")
		}
	}
}

func TestAKeyNeverShowsItself(t *testing.T) {
	t.Parallel()
	raw := bytes.Repeat([]byte{0xab}, 32)
	key, err := seal.ParseDataKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	exported, hidden := struct{ Key seal.DataKey }{key}, struct{ key seal.DataKey }{key}
	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%08x", "%t"} {
		for _, v := range []any{key, &key, exported, &exported, hidden, &hidden, []seal.DataKey{key}, map[string]any{"k": key}} {
			shown = append(shown, fmt.Sprintf(verb, v))
		}
	}
	text, err := json.Marshal([]any{key, exported, hidden})
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("key", "key", key, "in", exported, "hidden", hidden)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("key", "key", key, "in", exported, "hidden", hidden)
	_, short := seal.ParseDataKey(raw[1:])
	for _, s := range append(shown, string(text), logged.String(), short.Error()) {
		for _, form := range []string{"abab", "ABAB", "171 171", "10101011 10101011", "0xab", "q6ur", "\xab\xab", `\xab`} {
			if strings.Contains(s, form) {
				t.Errorf("a key shows: %s", s)
			}
		}
	}
}

func TestNoKeySealsNothing(t *testing.T) {
	t.Parallel()
	s := seal.Keyed{Keys: one(seal.DataKey{})}
	for what, err := range map[string]error{
		"Seal":   second(s.Seal(mari, field, nil)),
		"Open":   second(s.Open(mari, field, []byte{1})),
		"SealTo": second(s.SealTo(mari, field, io.Discard)),
		"Salt":   second(s.Salt(mari, "request.1")),
	} {
		if err == nil {
			t.Errorf("%s was accepted without a key", what)
		}
	}
	if seal.NewDataKey().Equal(seal.NewDataKey()) || !(seal.DataKey{}).Equal(seal.DataKey{}) {
		t.Error("two new keys are equal, or none is not none")
	}
}

func TestABrokenWriterIsAnError(t *testing.T) {
	t.Parallel()
	s := sealtest.Sealer()
	whole := stream(t, s, []byte("Mari"))
	for n := range whole {
		w, err := s.SealTo(mari, field, &broken{left: n})
		if err == nil {
			_, err = w.Write([]byte("Mari"))
			err = errors.Join(err, w.Close())
		}
		if !errors.Is(err, errFull) {
			t.Errorf("full after %d bytes: %v, want %v", n, err, errFull)
		}
	}
}

var errFull = errors.New("disk full")

// broken takes so many bytes and no more.
type broken struct{ left int }

func (b *broken) Write(p []byte) (int, error) {
	if len(p) > b.left {
		return 0, errFull
	}
	b.left -= len(p)
	return len(p), nil
}

func FuzzOpen(f *testing.F) {
	s := seal.Keyed{Keys: one(seal.NewDataKey())}
	whole, err := s.Seal(mari, field, []byte("Mari"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte{0, 'M'})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := s.Open(mari, field, b); err == nil && !bytes.Equal(b, whole) {
			t.Errorf("%x opened to %q", b, got)
		}
	})
}

func FuzzOpenFrom(f *testing.F) {
	s := seal.Keyed{Keys: one(seal.NewDataKey())}
	var sealed bytes.Buffer
	w, err := s.SealTo(mari, field, &sealed)
	if err == nil {
		_, err = w.Write([]byte("Mari"))
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		f.Fatal(err)
	}
	whole := sealed.Bytes()
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add([]byte("\x01age-encryption.org/v1\n-> kutse\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, r := range readers(b) {
			if got, err := readAll(s, r); err == nil && !bytes.Equal(b, whole) {
				t.Errorf("%s: %x opened to %q", name, b, got)
			}
		}
	})
}

func readAll(s seal.Sealer, r io.Reader) ([]byte, error) {
	plain, err := s.OpenFrom(mari, field, r)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(plain)
}

func second[T any](_ T, err error) error { return err }

func sealed(t *testing.T, s seal.Sealer, p person.ID, plain []byte) []byte {
	t.Helper()
	b, err := s.Seal(p, field, plain)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func stream(t *testing.T, s seal.Sealer, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := s.SealTo(mari, field, &b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, bytes.NewReader(plain)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
