// Package embedded has a table of the libraries that this module contains for the platform of the build. The sources
// contain none: packaging adds the libraries, and for each system and processor a file that puts them into the table.
package embedded

// Library is the content of a library file.
type Library struct {
	Content string
	Digest  string // the SHA-256 of the content, in hexadecimal
}

var libraries = map[string]Library{}

// Add puts a library into the table.
func Add(platform string, library Library) {
	libraries[platform] = library
}

// For returns the library for a platform, such as "linux-x64-gnu", if this module contains it.
func For(platform string) (Library, bool) {
	library, found := libraries[platform]
	return library, found
}
