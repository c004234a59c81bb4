package canon_test

import (
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/schema/canon"
)

func TestASaltedSumIsOverTheSaltAndThenTheBytes(t *testing.T) {
	t.Parallel()
	salt := canon.Salt(sha256.Sum256([]byte("salt")))
	b := []byte("kutse")
	want := canon.Sum(append(salt[:], b...))
	if got := canon.SaltedSum(salt, b); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if string(b) != "kutse" {
		t.Errorf("it changed what it was given: %q", b)
	}
	for name, other := range map[string]canon.Digest{
		"no salt":      canon.Sum(b),
		"zero salt":    canon.SaltedSum(canon.Salt{}, b),
		"other bytes":  canon.SaltedSum(salt, []byte("kutsE")),
		"nothing more": canon.SaltedSum(salt, nil),
	} {
		if other == want {
			t.Errorf("%s: the same digest %s", name, want)
		}
	}
}

func TestASaltReadsOnlyWhatItWrites(t *testing.T) {
	t.Parallel()
	s := canon.Salt(sha256.Sum256([]byte("kutse")))
	text, err := json.Marshal(s)
	if want := `"` + s.String() + `"`; err != nil || string(text) != want {
		t.Fatalf("got %s, %v; want %s", text, err, want)
	}
	var back canon.Salt
	if err := json.Unmarshal(text, &back); err != nil || back != s {
		t.Errorf("got %v, %v; want %v", back, err, s)
	}
	for _, bad := range []string{"", "00", s.String() + "0", "Z" + s.String()[1:], strings.ToUpper(s.String())} {
		if _, err := canon.ParseSalt(bad); err == nil || !strings.Contains(err.Error(), "salt") {
			t.Errorf("ParseSalt(%q): %v, want an error about a salt", bad, err)
		}
		if err := back.UnmarshalText([]byte(bad)); err == nil || back != s {
			t.Errorf("UnmarshalText(%q): %v and %v, want an error and nothing changed", bad, err, back)
		}
	}
}
