package asyncapi

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

const module = "github.com/kutse-dev/kutse/"

// source reads what reflection cannot see: comments, and the constants of a
// type. Saying either twice would mean that one of them is wrong some day.
type source struct {
	root     string
	packages map[string]*declared // by folder below root
	err      error                // the first that happened
}

// declared is what one package says.
type declared struct {
	docs      map[string]string // of a type Task and of a field Task.DueAt
	constants map[string][]constant
}

// constant is one value of a type with a fixed set of them.
type constant struct{ name, value, comment string }

func newSource(root string) *source {
	return &source{root: root, packages: map[string]*declared{}}
}

// doc is the comment of a type, in one line.
func (s *source) doc(t reflect.Type) string { return s.read(folder(t)).docs[t.Name()] }

// field is the comment of a field.
func (s *source) field(t reflect.Type, name string) string {
	return s.read(folder(t)).docs[t.Name()+"."+name]
}

// constants are those of a type of strings, in the order of their declaration.
func (s *source) constants(folder, name string) []constant { return s.read(folder).constants[name] }

func folder(t reflect.Type) string { return strings.TrimPrefix(t.PkgPath(), module) }

func (s *source) read(folder string) *declared {
	if p, ok := s.packages[folder]; ok {
		return p
	}
	p := &declared{docs: map[string]string{}, constants: map[string][]constant{}}
	s.packages[folder] = p
	files, err := filepath.Glob(filepath.Join(s.root, filepath.FromSlash(folder), "*.go"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: %w", folder, os.ErrNotExist)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, parseErr := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if parseErr != nil {
			err = parseErr
			break
		}
		for _, decl := range parsed.Decls {
			if d, ok := decl.(*ast.GenDecl); ok {
				p.declare(d)
			}
		}
	}
	if err != nil && s.err == nil {
		s.err = fmt.Errorf("reading the source: %w", err)
	}
	return p
}

func (p *declared) declare(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			p.docs[spec.Name.Name] = line(d.Doc, spec.Doc)
			if st, ok := spec.Type.(*ast.StructType); ok {
				p.fields(spec.Name.Name, st)
			}
		case *ast.ValueSpec:
			if d.Tok == token.CONST {
				p.constant(spec)
			}
		}
	}
}

func (p *declared) fields(owner string, st *ast.StructType) {
	for _, f := range st.Fields.List {
		for _, name := range f.Names {
			p.docs[owner+"."+name.Name] = line(f.Doc, f.Comment)
		}
	}
}

func (p *declared) constant(spec *ast.ValueSpec) {
	of, ok := spec.Type.(*ast.Ident)
	if !ok || len(spec.Values) != 1 {
		return
	}
	lit, ok := spec.Values[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return
	}
	value, err := strconv.Unquote(lit.Value)
	if err != nil {
		return
	}
	p.constants[of.Name] = append(p.constants[of.Name], constant{spec.Names[0].Name, value, line(spec.Comment)})
}

// link is a reference as Go doc comments write it: [workflows.Certification].
var link = regexp.MustCompile(`\[([A-Za-z.]+)\]`)

// line is the first of the comments that says something, in one line.
func line(comments ...*ast.CommentGroup) string {
	for _, c := range comments {
		if text := strings.Join(strings.Fields(c.Text()), " "); text != "" {
			return link.ReplaceAllString(text, "$1")
		}
	}
	return ""
}
