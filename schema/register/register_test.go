package register_test

import (
	"errors"
	"testing"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/register"
)

func TestRegisterNumbersTellFullFromPartial(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind register.Type
		n    int
		want string
	}{
		"the first full one":    {register.Full, 1, "1-000001"},
		"a partial one":         {register.Partial, 42, "2-000042"},
		"more than six digits":  {register.Full, 1234567, "1-1234567"},
		"a type there is none":  {4, 1, ""},
		"no type":               {0, 1, ""},
		"a number before first": {register.Full, 0, ""},
	} {
		got, err := register.Number(tt.kind, tt.n)
		if got != tt.want || (tt.want == "") != errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, tt.want)
		}
	}
}
