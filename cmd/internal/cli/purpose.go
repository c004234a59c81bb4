package cli

import (
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/reading"
)

// PurposeFlags say for what the council reads. Here it audits unless it says
// otherwise; at the door it must say.
type PurposeFlags struct {
	Purpose PurposeArg `default:"audit" placeholder:"PURPOSE" help:"For what you read: audit, challenge, complaint, court or access_request. The person can see it."`
}

func (f PurposeFlags) purpose() reading.Purpose { return reading.Purpose(f.Purpose) }

// PurposeArg is a purpose of reading on the command line.
type PurposeArg reading.Purpose

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *PurposeArg) UnmarshalText(text []byte) error {
	purpose, err := reading.ParsePurpose(string(text))
	*p = PurposeArg(purpose)
	return err
}

// MomentArg is a day or a moment on the command line: 2026-03-02, which begins at
// midnight UTC, or 2026-03-02T09:30:00Z.
type MomentArg struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *MomentArg) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
		if t, err := time.Parse(layout, string(text)); err == nil {
			m.Time = t.UTC()
			return nil
		}
	}
	return fault.Invalid.New("%.40q is no moment; write 2026-03-02 or 2026-03-02T09:30:00Z", text)
}

// given is the moment, nil where none was given.
func (m MomentArg) given() *time.Time {
	if m.IsZero() {
		return nil
	}
	return &m.Time
}
