package local_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
)

// estonian stands in every text that is planted; nothing else here writes it.
const estonian = "õŠžÄüŽö"

// scanner knows what must not be found, in every form that a store may keep it in.
type scanner struct {
	mu    sync.Mutex
	first []uint64           // bit set of the first three bytes of all forms
	forms map[string][]form  // by their first three bytes
	all   map[string]planted // by token
}

type form struct{ bytes, token, what string }

type planted struct{ field, text string }

func newScanner() *scanner {
	s := &scanner{first: make([]uint64, 1<<18), forms: map[string][]form{}, all: map[string]planted{}}
	s.add(estonian, estonian)
	s.all[estonian] = planted{"all of them", estonian}
	return s
}

// plant makes a text that stands nowhere else and remembers it as what field holds.
func (s *scanner) plant(field string) string {
	token := "q" + strings.ToLower(rand.Text()[:19])
	text := "Jõgi " + token + " " + estonian
	s.remember(field, token, text)
	return text
}

// remember looks for a token from now on, and for the digest of the whole text that
// it stands in.
func (s *scanner) remember(field, token, text string) {
	s.mu.Lock()
	s.all[token] = planted{field, text}
	s.mu.Unlock()
	s.add(token, token)
	sum := sha256.Sum256([]byte(text))
	s.form(token, "the SHA-256", string(sum[:]))
	s.form(token, "the SHA-256 in hexadecimal", hex.EncodeToString(sum[:]))
	s.form(token, "the SHA-256 in base64", strings.TrimRight(base64.StdEncoding.EncodeToString(sum[:]), "="))
}

// add knows text as it is and as it is commonly written.
func (s *scanner) add(token, text string) {
	s.form(token, "the text", text)
	s.form(token, "the text in hexadecimal", hex.EncodeToString([]byte(text)))
	s.form(token, "the text in hexadecimal", strings.ToUpper(hex.EncodeToString([]byte(text))))
	for shift := range 3 { // wherever it begins among the groups of three bytes
		whole := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + text))
		s.form(token, "the text in base64", whole[(shift*8+5)/6:(shift+len(text))*8/6])
	}
	if escaped := escape(text); escaped != text {
		s.form(token, "the text escaped for JSON", escaped)
		s.form(token, "the text escaped for JSON", strings.ToUpper(escaped[:1])+escaped[1:])
	}
	var wide []byte
	for _, u := range utf16.Encode([]rune(text)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	s.form(token, "the text in UTF-16", string(wide))
}

func escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < 0x80 {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func (s *scanner) form(token, what, b string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
	s.first[n/64] |= 1 << (n % 64)
	s.forms[b[:3]] = append(s.forms[b[:3]], form{b, token, what})
}

// longest is more than any form has bytes.
const longest = 256

// hits says which tokens are in b.
func (s *scanner) hits(b []byte, found func(form)) {
	for i := 0; i+3 <= len(b); i++ {
		n := uint32(b[i])<<16 | uint32(b[i+1])<<8 | uint32(b[i+2])
		if s.first[n/64]&(1<<(n%64)) == 0 {
			continue
		}
		for _, f := range s.forms[string(b[i:i+3])] {
			if len(b)-i >= len(f.bytes) && string(b[i:i+len(f.bytes)]) == f.bytes {
				found(f)
			}
		}
	}
}

// hit is what was found somewhere.
type hit struct{ place, token, what string }

// in looks through one place.
func (s *scanner) in(place string, b []byte) (hits []hit) {
	s.hits(b, func(f form) { hits = append(hits, hit{place, f.token, f.what}) })
	return hits
}

// folder looks through every file under a folder, and through their names.
func (s *scanner) folder(t *testing.T, dir string) (hits []hit, bytesRead int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		hits = append(hits, s.in(rel, []byte(rel))...)
		if !d.Type().IsRegular() {
			return nil
		}
		found, n, err := s.file(rel, path)
		hits, bytesRead = append(hits, found...), bytesRead+n
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hits, bytesRead
}

func (s *scanner) file(place, path string) (hits []hit, n int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buf := make([]byte, 0, 4<<20)
	for {
		read, err := io.ReadFull(f, buf[len(buf):cap(buf)])
		buf, n = buf[:len(buf)+read], n+int64(read)
		hits = append(hits, s.in(place, buf)...)
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = nil
			}
			return hits, n, err
		}
		buf = buf[:copy(buf, buf[len(buf)-longest:])]
	}
}

// A scanner that finds nothing must be one that would have found it.
func TestTheScannerFindsEveryForm(t *testing.T) {
	t.Parallel()
	s := newScanner()
	text := s.plant("name")
	sum := sha256.Sum256([]byte(text))
	dir := t.TempDir()
	for name, b := range map[string][]byte{
		"plain":          []byte("…" + text + "…"),
		"hex":            []byte(hex.EncodeToString([]byte("x" + text))),
		"base64":         []byte(base64.StdEncoding.EncodeToString([]byte(text))),
		"base64 shifted": []byte(base64.StdEncoding.EncodeToString([]byte("x" + text))),
		"base64 again":   []byte(base64.RawURLEncoding.EncodeToString([]byte("xx" + text))),
		"escaped":        []byte(`{"a":"` + escape(text) + `"}`),
		"digest":         sum[:],
		"digest in hex":  []byte(hex.EncodeToString(sum[:])),
		"across buffers": append(bytes.Repeat([]byte("x"), 4<<20-20), text...),
		"only estonian":  []byte("nimi: " + estonian),
		"a part of it":   []byte(text[6:30]),
	} {
		if err := os.WriteFile(filepath.Join(dir, "file"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if hits, _ := s.folder(t, dir); len(hits) == 0 {
			t.Errorf("%s: nothing was found", name)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("õun ja šokolaad, q1234567890"), 0o600); err != nil {
		t.Fatal(err)
	}
	if hits, _ := s.folder(t, dir); len(hits) > 0 {
		t.Errorf("what was not planted was found: %v", hits)
	}
}
