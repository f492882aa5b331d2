package webhook

import "syscall"

// plentyOfFiles stands for no limit.
const plentyOfFiles = 1 << 20

// OpenFiles returns how many files and connections this process may have open at
// once: RLIMIT_NOFILE, whose soft limit Go raises to the hard one at the start.
func OpenFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > plentyOfFiles {
		return plentyOfFiles
	}
	return int(limit.Cur)
}
