package cli

import (
	"errors"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
)

func TestAMomentIsADayOrATime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"2026-03-02":                time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
		"2026-03-02T09:30:00Z":      time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC),
		"2026-03-02T09:30:00+02:00": time.Date(2026, 3, 2, 7, 30, 0, 0, time.UTC),
		"2026-03-02T09:30:00.5Z":    time.Date(2026, 3, 2, 9, 30, 0, 500000000, time.UTC),
		"":                          {},
		"2.3.2026":                  {},
		"2026-02-30":                {},
		"yesterday":                 {},
	} {
		var m MomentArg
		err := m.UnmarshalText([]byte(text))
		if want.IsZero() {
			if !errors.Is(err, fault.Invalid) || m.given() != nil {
				t.Errorf("%q is %v, %v; want invalid", text, m, err)
			}
			continue
		}
		if err != nil || !m.Equal(want) || m.Location() != time.UTC {
			t.Errorf("%q is %v, %v; want %v", text, m, err, want)
		}
	}
}

func FuzzMoment(f *testing.F) {
	f.Add("2026-03-02")
	f.Add("2026-03-02T09:30:00+02:00")
	f.Fuzz(func(t *testing.T, text string) {
		var m MomentArg
		if err := m.UnmarshalText([]byte(text)); err != nil && (!errors.Is(err, fault.Invalid) || !m.IsZero()) {
			t.Errorf("%q is %v, %v", text, m, err)
		}
	})
}
