package catalogue_test

import (
	"testing"

	"github.com/kutse-dev/kutse/schema/catalogue"
)

func TestWhenAStandardIsInForce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from, to, day string
		want          bool
	}{
		"where the source prints no limit": {"", "", "2026-11-24", true},
		"on the first day":                 {"2023-05-10", "2028-05-09", "2023-05-10", true},
		"on the last day":                  {"2023-05-10", "2028-05-09", "2028-05-09", true},
		"not before the first":             {"2023-05-10", "2028-05-09", "2023-05-09", false},
		"not after the last":               {"2023-05-10", "2028-05-09", "2028-05-10", false},
		"with a beginning and no end":      {"2023-05-10", "", "2099-01-01", true},
	} {
		std := &catalogue.Standard{ValidFrom: tt.from, ValidTo: tt.to}
		if got := std.InForce(tt.day); got != tt.want {
			t.Errorf("%s: from %q to %q on %s: in force %v, want %v", name, tt.from, tt.to, tt.day, got, tt.want)
		}
	}
}
