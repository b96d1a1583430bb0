//go:build !unix

package unpack

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Places are the folders in which this user may keep a library. On Windows this is only the folder for local
// application data, which belongs to the user; a temporary folder may belong to all users.
func Places() []string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil
	}
	return []string{filepath.Join(cache, folderName)}
}

func replaceable(fs.FileInfo) error { return nil }

func shared(fs.FileInfo) error { return nil }

func allowed(int) error { return nil }
