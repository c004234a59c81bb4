//go:build !linux

package pgserver

import "syscall"

// dieWithParent does nothing where the kernel has no such signal: the next
// start stops what was left running.
func dieWithParent(*syscall.SysProcAttr) {}
