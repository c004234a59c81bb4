package catalogue

import (
	"regexp"
	"strconv"
	"time"
)

// designation is what the Estonian register calls a standard:
// 08-10052023-1.1/7k is field 08, decided on 10.05.2023, item 1.1 of that
// meeting's agenda (not the number of the decision), EstQF level 7. The meaning
// of the letter is not published. The parts are compared with what the standard
// says elsewhere; the designation itself is never rebuilt from them.
var designation = regexp.MustCompile(`^(\d{2})-(\d{2})(\d{2})(\d{4})-(\d+(?:\.\d+)*)/([1-8])([a-zõäöü]+)$`)

// readDesignation returns the date and the level that a designation names.
func readDesignation(s string) (date string, level int, ok bool) {
	m := designation.FindStringSubmatch(s)
	if m == nil {
		return "", 0, false
	}
	date = m[4] + "-" + m[3] + "-" + m[2]
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		return "", 0, false
	}
	level, err := strconv.Atoi(m[6])
	return date, level, err == nil
}
