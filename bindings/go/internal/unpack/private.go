// Package unpack writes the content of a library to a file that a dynamic linker can open: in memory, or on disk, where
// only this user can change it.
package unpack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// folderName differs from the name of the state folder, which some systems keep in the same parent folder.
const folderName = "pact-telemetry-library"

// leftover is the age at which the file of another version, or of a process that was killed while writing, is removed.
const leftover = 30 * 24 * time.Hour

const temporary = ".library.tmp"

// Private makes sure that the file of this name ("digest-file") in the folder has exactly this content. It makes the
// folder if it is missing. A folder that another user could change is not used, and its mode is not changed. It returns
// the path of the file, and whether this call wrote it.
func Private(folder, name, content string) (path string, written bool, err error) {
	if err := private(folder); err != nil {
		return "", false, err
	}
	path = filepath.Join(folder, name)
	if holds(path, content) {
		return path, false, nil
	}
	err = write(folder, path, content)
	if !holds(path, content) { // if it has the content despite an error, another process was faster
		return "", false, errors.Join(err, fmt.Errorf("%s does not contain the library", path))
	}
	removeLeftovers(folder, name)
	return path, true, nil
}

// Remove removes the file that Private wrote, and its folder if that is empty then.
func Remove(path string) {
	if os.Remove(path) == nil {
		_ = os.Remove(filepath.Dir(path))
	}
}

// private makes the folder if it is missing, and returns an error if it cannot be used.
func private(folder string) error {
	parent, err := os.Stat(filepath.Dir(folder))
	if err != nil {
		return err
	}
	if err := replaceable(parent); err != nil {
		return fmt.Errorf("%s: %w", filepath.Dir(folder), err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(folder)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", folder)
	}
	if err := shared(info); err != nil {
		return fmt.Errorf("%s: %w", folder, err)
	}
	return nil
}

// holds says whether the path is a regular file, not a link, with this content.
func holds(path, content string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != int64(len(content)) {
		return false
	}
	found, err := os.ReadFile(path)
	return err == nil && string(found) == content
}

// write replaces the file atomically, so that no process ever sees a part of the content.
func write(folder, path, content string) error {
	if err := allowed(len(content)); err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, "*"+temporary)
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

func removeLeftovers(folder, name string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	_, suffix, _ := strings.Cut(name, "-") // what follows the digest
	for _, entry := range entries {
		if entry.Name() == name || !isOurs(entry.Name(), suffix) {
			continue
		}
		info, err := entry.Info()
		if err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > leftover {
			_ = os.Remove(filepath.Join(folder, entry.Name()))
		}
	}
}

func isOurs(name, suffix string) bool {
	return strings.HasSuffix(name, "-"+suffix) || strings.HasSuffix(name, temporary)
}
