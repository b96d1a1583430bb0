//go:build !linux

package unpack

import "errors"

// InMemory is not possible on this system.
func InMemory(string, string) (path string, closeFile func(), err error) {
	return "", nil, errors.ErrUnsupported
}
