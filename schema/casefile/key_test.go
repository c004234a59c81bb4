package casefile_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

func TestAKeyThatWasMadeSignsAndIsVerified(t *testing.T) {
	t.Parallel()
	for range 20 { // base64 has a + now and then
		skey, vkey, err := casefile.NewKey(origin)
		if err != nil {
			t.Fatal(err)
		}
		key, err := casefile.ParseKey(skey + "\n")
		if err != nil || key.VKey != vkey || key.Origin() != origin {
			t.Fatalf("%s: got %+v, %v; want %s of %s", skey, key, err, vkey, origin)
		}
		s := newSample(t)
		s.Keys = []string{s.log.vkey, key.VKey}
		var b bytes.Buffer
		if err := casefile.Write(&b, s.File, key.Signer); err != nil {
			t.Fatal(err)
		}
		if r := open(t, b.Bytes()).Verify(casefile.Trust{Signers: []string{vkey}}); !r.Trusted() {
			t.Fatalf("got %+v, want trusted", r)
		}
	}
}

func TestWhatIsNoKeyForCaseFilesIsRefusedAndNotShown(t *testing.T) {
	t.Parallel()
	log, _, err := merkle.NewKey(merkle.Origin(origin, 2026))
	if err != nil {
		t.Fatal(err)
	}
	good, vkey, err := casefile.NewKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	for name, skey := range map[string]string{"nothing": "", "a word": "secret", "the other half": vkey, "half of one": good[:len(good)-9], "a key of a log": log} {
		_, err := casefile.ParseKey(skey)
		if !errors.Is(err, fault.Invalid) || len(skey) > 6 && strings.Contains(err.Error(), skey[len(skey)-8:]) {
			t.Errorf("%s: %v, want invalid, without the key", name, err)
		}
	}
	if _, _, err := casefile.NewKey("two words"); !errors.Is(err, fault.Invalid) {
		t.Errorf("a key for \"two words\": %v, want invalid", err)
	}
	if got := (casefile.Key{}).Origin(); got != "" {
		t.Errorf("the zero key is of %q, want of nobody", got)
	}
}
