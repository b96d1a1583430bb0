//go:build unix

package unpack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Places are the folders in which this user may keep a library, the best first. There are several, because a file
// system may be full, read-only or mounted noexec.
func Places() []string {
	var places []string
	if cache, err := os.UserCacheDir(); err == nil {
		places = append(places, filepath.Join(cache, folderName))
	}
	own := folderName + "-" + strconv.Itoa(os.Geteuid())
	for _, folder := range []string{os.TempDir(), "/var/tmp", "/dev/shm"} {
		places = append(places, filepath.Join(folder, own))
	}
	return places
}

// replaceable returns an error if other users could replace what is in this folder.
func replaceable(folder fs.FileInfo) error {
	owner, err := ownerOf(folder)
	switch {
	case err != nil:
		return err
	case owner != os.Geteuid() && owner != 0:
		return fmt.Errorf("belongs to user %d", owner)
	case folder.Mode().Perm()&0o022 != 0 && folder.Mode()&fs.ModeSticky == 0:
		return fmt.Errorf("others may change it (mode %v)", folder.Mode())
	}
	return nil
}

// shared returns an error if other users could read or change what is in this folder.
func shared(folder fs.FileInfo) error {
	owner, err := ownerOf(folder)
	switch {
	case err != nil:
		return err
	case owner != os.Geteuid():
		return fmt.Errorf("belongs to user %d", owner)
	case folder.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("others may use it (mode %v)", folder.Mode())
	}
	return nil
}

func ownerOf(info fs.FileInfo) (int, error) {
	if system, is := info.Sys().(*syscall.Stat_t); is {
		return int(system.Uid), nil
	}
	return 0, errors.New("the owner is not known")
}

// allowed returns an error if a file of this length cannot be written. A write beyond the limit would end the process
// by a signal.
func allowed(length int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if uint64(limit.Cur) < uint64(length) {
		return fmt.Errorf("files are limited to %d bytes (ulimit -f)", limit.Cur)
	}
	return nil
}
