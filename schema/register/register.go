// Package register says what an entry in the register of qualifications is. The
// entry is the qualification; paper is only proof of it (KutS § 15(1), § 21(4)).
package register

import (
	"fmt"

	"github.com/kutse-dev/kutse/schema/fault"
)

// Type is the type of a certificate, as the register's own interface numbers it
// (domain.md 4.2).
type Type int

// The types.
const (
	Full    Type = 1
	Partial Type = 2
	Initial Type = 3
)

// Number writes the nth number of a type: 1-000042.
func Number(t Type, n int) (string, error) {
	if t < Full || t > Initial || n < 1 {
		return "", fault.Invalid.New("there is no register number %d of type %d", n, t)
	}
	return fmt.Sprintf("%d-%06d", t, n), nil
}
