package pgserver

import "syscall"

// dieWithParent has the kernel ask the server for a fast shutdown when we are
// gone, even by kill -9. The signal is bound to the thread that made the child,
// not to the process: see launchChild.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }
