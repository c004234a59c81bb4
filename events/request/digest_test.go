package request_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/events/request/asyncapi"
	"github.com/kutse-dev/kutse/schema/canon"
)

// A receipt holds the digest of its request, and the same request must find it
// years later. A new word in a request must therefore be left out of its canonical
// form when it is empty (omitempty): otherwise every old request becomes another
// one, and this test fails.
func TestOldRequestsKeepTheirDigests(t *testing.T) {
	t.Parallel()
	const golden = "testdata/digests.txt"
	var lines []string
	for _, sample := range asyncapi.Samples() {
		if _, isAct := sample.(request.Act); !isAct {
			continue
		}
		digest, err := canon.DigestOf(sample)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%T %s", sample, digest))
	}
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the digests of old requests changed (-want +got):\n%s", diff)
	}
}
