package inbound

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// Limits of one CEL expression. Cost counts operations and the text that they
// make, so it doesn't depend on the machine. MappingTime bounds all of a request's
// expressions together. CEL's own memory limit isn't used: it refuses every object
// that is nested six deep, as those of Stripe are.
const (
	maxExpressions     = 100  // of one mapping, since each takes time to compile
	maxExpression      = 4096 // characters
	maxExpressionNodes = 2000
	maxExpressionDepth = 40
	maxExpressionCost  = 100_000
	maxResultSize      = 256 << 10 // of a result: bytes of text, and 8 for each value
	interruptEvery     = 64
)

// expression is a compiled CEL expression. Its source says where it fails.
type expression struct {
	program cel.Program
	source  *ast.AST
}

// environment is what expressions see: the item's body, the request's headers by
// their names in lower case, and the provider's type.
var environment = sync.OnceValue(func() *cel.Env {
	env, err := cel.NewEnv(
		cel.Variable("body", cel.DynType),
		cel.Variable("headers", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("type", cel.StringType),
		cel.OptionalTypes(),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxExpression),
		cel.ParserRecursionLimit(maxExpressionDepth),
		cel.ParserErrorRecoveryLimit(10),
		cel.ExpressionNodeLimit(maxExpressionNodes),
		cel.RegexProgramSizeLimit(1000),
	)
	if err != nil {
		panic("inbound: the environment of expressions: " + err.Error())
	}
	return env
})

// condition compiles an expression that is true or false.
func (c *mappingCompiler) condition(at, text string) *expression {
	return c.compile(at, text, true)
}

// expression compiles an expression of any type.
func (c *mappingCompiler) expression(at, text string) *expression {
	return c.compile(at, text, false)
}

func (c *mappingCompiler) compile(at, text string, condition bool) *expression {
	if c.expressions++; c.expressions > maxExpressions {
		if c.expressions == maxExpressions+1 {
			c.faults.Add(at, fmt.Sprintf("is one more than the %d expressions that a mapping has at most", maxExpressions))
		}
		return nil
	}
	checked, issues := environment().Compile(text)
	if issues.Err() != nil {
		c.issueFaults(at, issues)
		return nil
	}
	if out := checked.OutputType(); condition && !out.IsExactType(cel.BoolType) && !out.IsExactType(cel.DynType) {
		c.faults.Add(at, "is true or false, and this is neither")
		return nil
	}
	if !constantPatterns(checked) {
		c.faults.Add(at, "has a pattern of matches that isn't a constant")
		return nil
	}
	program, err := environment().Program(checked, cel.CostLimit(maxExpressionCost), cel.InterruptCheckFrequency(interruptEvery))
	if err != nil {
		c.faults.Add(at, "can't be run: "+err.Error())
		return nil
	}
	return &expression{program, checked.NativeRep()}
}

// constantPatterns reports whether every regular expression is written out. One
// from a body could take any amount of memory to compile.
func constantPatterns(compiled *cel.Ast) bool {
	for _, call := range ast.MatchDescendants(ast.NavigateAST(compiled.NativeRep()), ast.FunctionMatcher("matches")) {
		arguments := call.AsCall().Args()
		if len(arguments) == 0 || arguments[len(arguments)-1].Kind() != ast.LiteralKind {
			return false
		}
	}
	return true
}

// eval returns the result as JSON has it, or absent{} for null and for an empty
// optional. Its error is for people.
func (x *expression) eval(e *evaluation) (any, error) {
	if err := e.ctx.Err(); err != nil {
		return nil, errNoTime{err}
	}
	out, _, err := x.program.ContextEval(e.ctx, e.variables())
	switch {
	case err != nil && e.ctx.Err() != nil:
		return nil, errNoTime{e.ctx.Err()}
	case err != nil:
		return nil, x.evalFault(err)
	}
	writer := resultWriter{left: maxResultSize}
	return writer.json(out, 0)
}

// maxResultDepth bounds how deep a result is nested.
const maxResultDepth = 20

// resultWriter makes JSON of a CEL value. A list may hold another one a thousand
// times, so what it makes is counted.
type resultWriter struct{ left int }

// json returns a CEL value as JSON has it.
func (w *resultWriter) json(value ref.Val, depth int) (any, error) {
	if depth > maxResultDepth {
		return nil, errors.New("is nested too deep")
	}
	w.left -= 8
	if text, ok := value.(types.String); ok {
		w.left -= len(text)
	}
	if w.left < 0 {
		return nil, errors.New("is too large")
	}
	switch value := value.(type) {
	case types.Null:
		return absent{}, nil
	case types.Bool:
		return bool(value), nil
	case types.Int:
		return int64(value), nil
	case types.Uint:
		if value > math.MaxInt64 {
			return nil, errors.New("is too large a number")
		}
		return int64(value), nil
	case types.Double:
		return number(float64(value))
	case types.String:
		return string(value), nil
	case types.Timestamp:
		return instant(value.Time.UTC().Format(time.RFC3339Nano), "rfc3339")
	case *types.Optional:
		if !value.HasValue() {
			return absent{}, nil
		}
		return w.json(value.GetValue(), depth+1)
	case traits.Mapper:
		return w.object(value, depth)
	case traits.Lister:
		return w.list(value, depth)
	}
	return nil, fmt.Errorf("is a %s, which JSON hasn't", value.Type().TypeName())
}

// number returns a whole number as one, because a schema asks for integers.
func number(n float64) (any, error) {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return nil, errors.New("isn't a number that JSON has")
	}
	if whole := math.Trunc(n); whole == n && math.Abs(n) < 1<<53 {
		return int64(whole), nil
	}
	return n, nil
}

func (w *resultWriter) object(value traits.Mapper, depth int) (any, error) {
	object := map[string]any{}
	for it := value.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, ok := key.(types.String)
		if !ok {
			return nil, errors.New("has a key that isn't text")
		}
		member, err := w.json(value.Get(key), depth+1)
		if err != nil {
			return nil, err
		}
		object[string(name)] = nullIfAbsent(member)
	}
	return object, nil
}

func (w *resultWriter) list(value traits.Lister, depth int) (any, error) {
	list := []any{}
	for it := value.Iterator(); it.HasNext() == types.True; {
		element, err := w.json(it.Next(), depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, nullIfAbsent(element))
	}
	return list, nil
}

func nullIfAbsent(value any) any {
	if _, none := value.(absent); none {
		return nil
	}
	return value
}
