package inbound

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// CEL's parser reports what it expected as a list of its own tokens, and its checker and
// interpreter name operators as functions. These are its messages, and what people read
// in their place. A message that isn't here is shown as it is.
var (
	syntaxEnd      = regexp.MustCompile(`^Syntax error: mismatched input '<EOF>' expecting (.*)$`)
	syntaxInput    = regexp.MustCompile(`^Syntax error: (?:mismatched|extraneous) input '(.*)' expecting .*$`)
	syntaxChoice   = regexp.MustCompile(`^Syntax error: no viable alternative at input '(.*)'$`)
	syntaxToken    = regexp.MustCompile(`^Syntax error: token recognition error at: '(.*)'$`)
	syntaxMissing  = regexp.MustCompile(`^Syntax error: missing '(.*)' at '(.*)'$`)
	noOverload     = regexp.MustCompile(`^found no matching overload for '(.*)' applied to '(.*)'$`)
	undeclared     = regexp.MustCompile(`^undeclared reference to '(.*)'`)
	noKey          = regexp.MustCompile(`^no such key: (.*)$`)
	outOfBounds    = regexp.MustCompile(`^index out of bounds: (.*)$`)
	singleExpected = regexp.MustCompile(`^'[^']*'$`)
)

// compileWords returns a message of CEL's parser or checker in words.
func compileWords(message string) string {
	if at := syntaxEnd.FindStringSubmatch(message); at != nil {
		if singleExpected.MatchString(at[1]) {
			return "ends before its " + at[1]
		}
		return "ends too early, something is missing"
	}
	if at := syntaxMissing.FindStringSubmatch(message); at != nil {
		return "lacks a '" + at[1] + "' before '" + at[2] + "'"
	}
	if at := syntaxToken.FindStringSubmatch(message); at != nil {
		switch read := strings.TrimSpace(at[1]); {
		case strings.HasPrefix(read, "="):
			return "has a single =, which means nothing; == compares"
		case strings.HasPrefix(read, "'") || strings.HasPrefix(read, `"`):
			return "has a text that isn’t closed: " + read
		default:
			return "has " + read + ", which means nothing here"
		}
	}
	for _, form := range []*regexp.Regexp{syntaxInput, syntaxChoice} {
		if at := form.FindStringSubmatch(message); at != nil {
			return "has " + at[1] + " where it can’t be" + spelled(at[1])
		}
	}
	if at := noOverload.FindStringSubmatch(message); at != nil {
		return functionWords(at[1]) + " can’t be used on " + strings.ReplaceAll(strings.Trim(at[2], "()"), ", ", " and ")
	}
	if at := undeclared.FindStringSubmatch(message); at != nil {
		return "there is no " + at[1] + " here: an expression sees body, type and headers, and CEL’s own functions"
	}
	return message
}

// spelled says how CEL writes an operator that other languages have as a word.
func spelled(word string) string {
	if operator := map[string]string{"and": "&&", "or": "||", "not": "!"}[strings.ToLower(word)]; operator != "" {
		return "; write " + operator
	}
	return ""
}

// functionWords returns a function as it is written: ">" for "_>_".
func functionWords(name string) string {
	if operator, ok := operators.FindReverse(name); ok && operator != "" {
		return operator
	}
	return strings.TrimPrefix(name, "@")
}

// evalFault returns why an expression failed, in words, with where in the expression.
func (x *expression) evalFault(err error) error {
	message := strings.TrimSpace(err.Error())
	var at *types.Err
	var node ast.Expr
	if errors.As(err, &at) && at.NodeID() != 0 {
		ast.PreOrderVisit(x.source.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
			if e.ID() == at.NodeID() {
				node = e
			}
		}))
	}
	words := runWords(message, node)
	if node == nil {
		return errors.New(words)
	}
	place := x.source.SourceInfo().GetStartLocation(node.ID())
	return fmt.Errorf("line %d, column %d: %s", place.Line(), place.Column()+1, words)
}

// runWords returns a message of CEL's interpreter in words. node is what failed, or nil.
func runWords(message string, node ast.Expr) string {
	if overload, ok := strings.CutPrefix(message, "no such overload"); ok {
		name := strings.TrimPrefix(overload, ": ")
		if node != nil && node.Kind() == ast.CallKind {
			name = node.AsCall().FunctionName()
		}
		if name == "" {
			name = "something"
		}
		return functionWords(name) + " can’t be used on these values: they are of different kinds, such as text and a number. Convert one, as in int(…) or string(…)"
	}
	if at := noKey.FindStringSubmatch(message); at != nil {
		return "there is no " + at[1] + " in it. Ask first with has(…), or write .?" + at[1] + ".orValue(…)"
	}
	if at := outOfBounds.FindStringSubmatch(message); at != nil {
		return "the list has no element " + at[1]
	}
	return message
}

// issueFaults adds what CEL's parser and checker found. What they find after a fault of
// the syntax follows from it.
func (c *mappingCompiler) issueFaults(at string, issues *cel.Issues) {
	for _, issue := range issues.Errors() {
		c.faults.Add(at, fmt.Sprintf("line %d, column %d: %s", issue.Location.Line(), issue.Location.Column()+1, compileWords(issue.Message)))
		if strings.HasPrefix(issue.Message, "Syntax error:") {
			return
		}
	}
	if len(issues.Errors()) == 0 {
		c.faults.Add(at, "isn't an expression of CEL")
	}
}
