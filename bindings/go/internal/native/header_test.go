package native

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const header = "../../../../include/pact_telemetry.ffi.h"

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) && path == header {
		t.Skip("the header is only in the library's own source tree")
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

var (
	comment     = regexp.MustCompile(`(?m)//.*$`)
	prototype   = regexp.MustCompile(`((?:[a-z_0-9]+\s)*?(?:const )?\w+ \**)pact_telemetry_(\w+)\(([^)]*)\);`)
	space       = regexp.MustCompile(`\s+`)
	enumeration = regexp.MustCompile(`PACT_TELEMETRY_(\w+) = (-?\d+)`)
)

// prototypes returns the functions of a header by name, each with its type and parameters.
func prototypes(source, prefix string) map[string]string {
	found := map[string]string{}
	for _, match := range prototype.FindAllStringSubmatch(comment.ReplaceAllString(source, ""), -1) {
		name, ours := strings.CutPrefix(match[2], prefix)
		if ours {
			found[name] = strings.TrimSpace(space.ReplaceAllString(match[1]+"("+match[3]+")", " "))
		}
	}
	return found
}

// exported returns the exported functions of a Go file: the number of parameters by the name in lower case.
func exported(t *testing.T, path string) map[string]int {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, declaration := range file.Decls {
		if function, is := declaration.(*ast.FuncDecl); is && function.Name.IsExported() {
			found[strings.ToLower(function.Name.Name)] = function.Type.Params.NumFields()
		}
	}
	return found
}

func TestTheFunctionsAreThoseOfTheHeader(t *testing.T) {
	library := prototypes(read(t, header), "")
	if count := strings.Count(read(t, header), ");"); len(library) != count || count < 13 {
		t.Fatalf("%d functions were read of %d in the header", len(library), count)
	}
	ours := prototypes(read(t, "native.h"), "go_")
	for _, name := range []string{"load", "refusal", "libc"} { // these are not functions of the library
		delete(ours, name)
	}
	if !maps.Equal(library, ours) {
		t.Errorf("the library's: %v\nnative.h: %v", library, ours)
	}
	want := map[string]int{}
	for name, text := range library {
		count := strings.Count(text, ",") + 1
		if strings.HasSuffix(text, "(void)") {
			count = 0
		}
		want[strings.ReplaceAll(name, "_", "")] = count
	}
	for _, path := range []string{"native.go", "dynamic.go", "none.go"} {
		got := exported(t, path)
		delete(got, "discard") // not a function of the library
		if !maps.Equal(got, want) {
			t.Errorf("the library's: %v\n%s: %v", want, path, got)
		}
	}
}

func TestTheStatusCodesAreThoseOfTheHeader(t *testing.T) {
	want := map[string]int{}
	for _, match := range enumeration.FindAllStringSubmatch(read(t, header), -1) {
		number, err := strconv.Atoi(match[2])
		if err != nil {
			t.Fatal(err)
		}
		want[strings.ToLower(strings.ReplaceAll(match[1], "_", ""))] = number
	}
	if len(want) < 14 {
		t.Fatalf("only %d codes were read", len(want))
	}
	got := constants(t, "status.go")
	delete(got, "abi") // not a status
	if !maps.Equal(got, want) {
		t.Errorf("the header's: %v\nours: %v", want, got)
	}
	// Each status is also an outcome of the public package.
	outcomes := constants(t, "../../outcome.go")
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, found := outcomes[name]; !found {
			t.Errorf("there is no outcome %s", name)
		}
	}
}

// constants returns the exported constants of a Go file by the name in lower case, with their number if it is a
// literal.
func constants(t *testing.T, path string) map[string]int {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, is := node.(*ast.ValueSpec)
		if !is || !spec.Names[0].IsExported() || len(spec.Values) != 1 {
			return true
		}
		sign, value := 1, spec.Values[0]
		if unary, is := value.(*ast.UnaryExpr); is && unary.Op == token.SUB {
			sign, value = -1, unary.X
		}
		number := 0
		if literal, is := value.(*ast.BasicLit); is {
			number, _ = strconv.Atoi(literal.Value)
		}
		found[strings.ToLower(spec.Names[0].Name)] = sign * number
		return true
	})
	return found
}
