// Package embedded holds the libraries that this module carries for the platform of the build. The sources carry none:
// what packs the module adds the libraries, and for each platform of Go's a file that puts them into the table.
package embedded

// Library is a library as it was built.
type Library struct {
	Content string
	Digest  string // of the content: SHA-256 in hexadecimal
}

var libraries = map[string]Library{}

// Add puts a library into the table.
func Add(platform string, library Library) {
	libraries[platform] = library
}

// For answers the library for a platform, named as in "linux-x64-gnu", if this module carries it.
func For(platform string) (Library, bool) {
	library, found := libraries[platform]
	return library, found
}
