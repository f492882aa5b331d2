package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strings"
)

// house is what was counted.
type house struct {
	rooms     map[string]room // by the package's folder
	methods   map[string]int  // by the package's folder and the type
	files     []length
	functions []length
}

// room is what one package has, without generated code.
type room struct{ files, lines, testFiles, testLines int }

// length is how many lines something has, and where it is.
type length struct {
	of    string
	lines int
}

// measure reads all Go files of a tree but those of hidden folders, testdata and
// tools. It fails if one of them can't be read or is no Go.
func measure(tree fs.FS) (*house, error) {
	h := &house{rooms: map[string]room{}, methods: map[string]int{}}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || name == "tools"):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		return h.add(name, text)
	})
	return h, err
}

// add counts one file.
func (h *house) add(name string, text []byte) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if ast.IsGenerated(file) {
		return nil
	}
	folder, lines := path.Dir(name), bytes.Count(text, []byte("\n"))
	r := h.rooms[folder]
	defer func() { h.rooms[folder] = r }()
	if strings.HasSuffix(name, "_test.go") {
		r.testFiles, r.testLines = r.testFiles+1, r.testLines+lines
		return nil
	}
	r.files, r.lines = r.files+1, r.lines+lines
	h.files = append(h.files, length{name, lines})
	for _, declaration := range file.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if !ok {
			continue
		}
		h.functions = append(h.functions, length{name + " " + f.Name.Name, set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1})
		if f.Recv != nil {
			h.methods[folder+" "+typeName(f.Recv.List[0].Type)]++
		}
	}
	return nil
}

// typeName returns the name of a receiver's type without its pointer and parameters.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.IndexExpr:
		return typeName(e.X)
	case *ast.IndexListExpr:
		return typeName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
