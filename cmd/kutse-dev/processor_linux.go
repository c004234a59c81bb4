package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of the times in /proc: a hundredth of a second on every Linux
// that Go runs on.
const tick = 10 * time.Millisecond

// postgresTime is the processor time of the PostgreSQL that was started on a data
// folder: its postmaster, its sessions and those that have ended. It is 0 where
// none was started.
func postgresTime(data string) time.Duration {
	text, err := os.ReadFile(filepath.Join(data, "pg", "postmaster.pid"))
	if err != nil {
		return 0
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	postmaster := string(line)
	total := timesOf(postmaster, 4)
	children, err := os.ReadFile(fmt.Sprintf("/proc/%s/task/%s/children", postmaster, postmaster))
	if err != nil {
		return total
	}
	for pid := range strings.FieldsSeq(string(children)) {
		total += timesOf(pid, 2)
	}
	return total
}

// timesOf adds the first n of utime, stime, cutime and cstime of a process.
func timesOf(pid string, n int) time.Duration {
	stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return 0
	}
	_, rest, ok := bytes.Cut(stat, []byte(") ")) // after the name, which may hold blanks
	fields := strings.Fields(string(rest))
	const utime = 11 // the 14th field of the line, counted from the state on
	if !ok || len(fields) < utime+4 {
		return 0
	}
	var ticks int64
	for _, field := range fields[utime : utime+n] {
		v, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0
		}
		ticks += v
	}
	return time.Duration(ticks) * tick
}
