package person

import (
	"fmt"
	"strings"
	"time"
)

// namesSomebody says whether an id is an Estonian personal identification code
// (isikukood), or ends in one as eIDAS and ETSI EN 319 412-1 write it:
// PNOEE-38001085718. Such an id says sex and date of birth, and whoever knows the
// person knows the id.
func namesSomebody(id string) bool {
	for _, part := range strings.FieldsFunc(id, func(r rune) bool { return r == '-' || r == '_' }) {
		if isCode(part) || isCode(strings.TrimPrefix(strings.ToUpper(part), "EE")) {
			return true
		}
	}
	return false
}

// isCode says whether s has the form of a personal identification code as EVS 585
// and the Population Register Act (rahvastikuregistri seadus § 39) have it: a digit
// for sex and century, the date of birth, a running number, a check digit.
func isCode(s string) bool {
	if len(s) != 11 || strings.Trim(s, "0123456789") != "" || s[0] < '1' || s[0] > '8' {
		return false
	}
	century := 18 + int(s[0]-'1')/2
	_, err := time.Parse("20060102", fmt.Sprintf("%d%s", century, s[1:7]))
	return err == nil && checkDigit(s) == int(s[10]-'0')
}

// checkDigit is the last digit of a code by its first ten (EVS 585): modulo 11
// with one row of weights, with another where that gives 10, and 0 where both do.
func checkDigit(s string) int {
	for _, weights := range []string{"1234567891", "3456789123"} {
		sum := 0
		for i, w := range []byte(weights) {
			sum += int(s[i]-'0') * int(w-'0')
		}
		if sum%11 < 10 {
			return sum % 11
		}
	}
	return 0
}
