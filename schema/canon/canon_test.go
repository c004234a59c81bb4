package canon_test

import (
	"bytes"
	"testing"

	"github.com/kutse-dev/kutse/schema/canon"
)

// The expected forms follow RFC 8785, sections 3.2.2 and 3.2.3.
func TestCanonicalForm(t *testing.T) {
	for in, want := range map[string]string{
		`{"b":1,"a":[true,null,"x"]}`:                `{"a":[true,null,"x"],"b":1}`,
		`{"\u20ac":1,"\r":2,"1":3,"\ud83d\ude00":4}`: "{\"\\r\":2,\"1\":3,\"€\":1,\"😀\":4}",
		`"\u000f\u0008\u0009\u000a\"\\/<>&õ"`:        "\"\\u000f\\b\\t\\n\\\"\\\\/<>&õ\"",
		`-0`:                                         `0`,
		`9007199254740992`:                           `9007199254740992`,
	} {
		got, err := canon.Reformat([]byte(in))
		if err != nil || string(got) != want {
			t.Errorf("Reformat(%s) = %s, %v; want %s", in, got, err, want)
		}
	}
}

func TestWhatHasNoCanonicalForm(t *testing.T) {
	for _, in := range []string{`1.5`, `1e3`, `9007199254740993`, `{} {}`, `{`, ``} {
		if got, err := canon.Reformat([]byte(in)); err == nil {
			t.Errorf("Reformat(%q) = %s, want an error", in, got)
		}
	}
}

func TestDigestReadsOnlyWhatItWrites(t *testing.T) {
	d := canon.Sum([]byte("kutse"))
	back, err := canon.ParseDigest(d.String())
	if err != nil || back != d {
		t.Errorf("got %v, %v; want %v", back, err, d)
	}
	for _, bad := range []string{"", "00", d.String() + "0", "Z" + d.String()[1:], "A" + d.String()[1:]} {
		if _, err := canon.ParseDigest(bad); err == nil {
			t.Errorf("ParseDigest(%q) was accepted", bad)
		}
	}
}

func FuzzReformatIsStable(f *testing.F) {
	f.Add([]byte(`{"b":1,"a":[true,null,"x"]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		once, err := canon.Reformat(in)
		if err != nil {
			return
		}
		twice, err := canon.Reformat(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("first %s, second %s, %v", once, twice, err)
		}
	})
}
