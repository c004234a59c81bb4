package sample_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/sample"
)

// seed is a seed of its own for each n.
func seed(n int) sample.Seed {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	return sample.Seed(canon.Sum(b[:]))
}

func ids(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("01980a5e-7c3b-7d2e-9b1a-%012d", i))
	}
	return list
}

// These were computed with the commands of the package comment.
func TestAnyoneCanRecomputeWithSHA256Sum(t *testing.T) {
	t.Parallel()
	var s sample.Seed
	if err := s.UnmarshalText([]byte("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		got  canon.Digest
		want string
	}{
		"commitment": {s.Commitment(), "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd"},
		"score":      {s.Score("case-1"), "53ba474708811f8392de31a4f6ce8a680a5acef44f9d1c117d1c15a835dfa681"},
		"population": {sample.Population([]string{"case-2", "case-1", "case-2"}), "2a496974b7788516f936b3ac7f37c6fe4ae1c643e439f0c168936a9439a0c72f"},
	} {
		if c.got.String() != c.want {
			t.Errorf("%s: %s, want %s", what, c.got, c.want)
		}
	}
}

func TestADrawDependsOnSeedAndCasesAlone(t *testing.T) {
	t.Parallel()
	list := ids(500)
	want, err := seed(1).Draw(list, 20)
	if err != nil || len(want) != 20 {
		t.Fatalf("%d cases, %v", len(want), err)
	}
	turned := slices.Clone(list)
	slices.Reverse(turned)
	turned = append(turned, list[:100]...)
	kept := slices.Clone(turned)
	if got, err := seed(1).Draw(turned, 20); err != nil || !cmp.Equal(got, want) {
		t.Errorf("another order, some twice: %v, %v; want %v", got, err, want)
	}
	if !slices.Equal(kept, turned) {
		t.Error("the list was changed")
	}
	if got, err := seed(2).Draw(list, 20); err != nil || cmp.Equal(got, want) {
		t.Errorf("another seed: the same cases, %v", err)
	}
	if more, err := seed(1).Draw(list, 21); err != nil || !cmp.Equal(more[:20], want) {
		t.Errorf("one more: %v, %v; want the same and one", more, err)
	}
	for _, d := range want {
		if d.Score != seed(1).Score(d.ID) {
			t.Errorf("%s: score %s, want %s", d.ID, d.Score, seed(1).Score(d.ID))
		}
	}
}

func TestWhatCanBeDrawn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cases, n, want int
		kind           fault.Kind
	}{
		"some":                     {10, 3, 3, ""},
		"all":                      {10, 10, 10, ""},
		"more than there are, all": {10, 11, 10, ""},
		"none is no sample":        {10, 0, 0, fault.Invalid},
		"less than none":           {10, -1, 0, fault.Invalid},
		"nothing to draw from":     {0, 1, 0, fault.Invalid},
	} {
		got, err := seed(1).Draw(ids(c.cases), c.n)
		if len(got) != c.want || fault.Of(err) != c.kind {
			t.Errorf("%s: %d of %d: got %d, %v; want %d, %s", name, c.n, c.cases, len(got), err, c.want, c.kind)
		}
	}
}

// Over many seeds each case is drawn as often as any other. The bound is the
// 99.99 % point of chi-squared with 49 degrees of freedom; the seeds are fixed, so
// that the test says the same every time.
func TestEachCaseIsAsLikelyAsAnyOther(t *testing.T) {
	t.Parallel()
	const cases, size, draws, bound = 50, 5, 4000, 96.0
	list := ids(cases)
	drawn := map[string]int{}
	for n := range draws {
		got, err := seed(n).Draw(list, size)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range got {
			drawn[d.ID]++
		}
	}
	expected, chi2 := float64(draws*size)/cases, 0.0
	for _, id := range list {
		off := float64(drawn[id]) - expected
		chi2 += off * off / expected
	}
	if chi2 > bound {
		t.Errorf("chi-squared %.1f over %d draws, want at most %.1f; drawn %v", chi2, draws, bound, drawn)
	}
}

func TestASeedIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	body, err := json.Marshal(seed(7))
	if err != nil {
		t.Fatal(err)
	}
	var back sample.Seed
	if err := json.Unmarshal(body, &back); err != nil || back != seed(7) {
		t.Errorf("%s is read as %s, %v", body, back, err)
	}
	for _, bad := range []string{"", "00", seed(7).String() + "0", "G" + seed(7).String()[1:]} {
		if err := back.UnmarshalText([]byte(bad)); err == nil || errors.Is(err, fault.Unavailable) {
			t.Errorf("%q is read: %v", bad, err)
		}
	}
}

func FuzzSeed(f *testing.F) {
	f.Add(seed(1).String())
	f.Add("0")
	f.Fuzz(func(t *testing.T, text string) {
		var s sample.Seed
		if err := s.UnmarshalText([]byte(text)); err == nil && s.String() != text {
			t.Errorf("%q is read as %s", text, s)
		}
	})
}
