package inbound

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// finder reads the values at chosen paths out of a JSON document in one pass,
// without decoding the rest.
type finder struct {
	root  *finderNode
	count int
}

type finderNode struct {
	leaf  int // the number of the path that ends here, or -1
	names map[string]*finderNode
	items map[int]*finderNode
}

func newFinderNode() *finderNode {
	return &finderNode{leaf: -1, names: map[string]*finderNode{}, items: map[int]*finderNode{}}
}

// add takes in a path and returns its number.
func (f *finder) add(p path) int {
	if f.root == nil {
		f.root = newFinderNode()
	}
	node := f.root
	for _, s := range p {
		var next *finderNode
		if s.index >= 0 {
			if next = node.items[s.index]; next == nil {
				next = newFinderNode()
				node.items[s.index] = next
			}
		} else if next = node.names[s.name]; next == nil {
			next = newFinderNode()
			node.names[s.name] = next
		}
		node = next
	}
	if node.leaf < 0 {
		node.leaf = f.count
		f.count++
	}
	return node.leaf
}

var decoders = sync.Pool{New: func() any { return jsontext.NewDecoder(bytes.NewReader(nil)) }}

// find returns the raw JSON at each path, by number; nil where there is nothing.
// It fails if the document isn't one JSON value, has a name twice in one object,
// or isn't UTF-8: then readers could differ over what it says. The values share
// the document's memory.
func (f *finder) find(document []byte) ([]jsontext.Value, error) {
	found := make([]jsontext.Value, f.count)
	decoder := decoders.Get().(*jsontext.Decoder)
	defer decoders.Put(decoder)
	decoder.Reset(bytes.NewBuffer(document))
	defer decoder.Reset(bytes.NewReader(nil))
	if err := f.root.walk(decoder, found); err != nil {
		return nil, err
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return found, nil
}

func (n *finderNode) walk(decoder *jsontext.Decoder, found []jsontext.Value) error {
	if n == nil {
		return decoder.SkipValue()
	}
	if n.leaf >= 0 {
		value, err := decoder.ReadValue()
		if err != nil {
			return err
		}
		found[n.leaf] = value.Clone()
		if len(n.names)+len(n.items) == 0 {
			return nil
		}
		return (&finderNode{leaf: -1, names: n.names, items: n.items}).walk(jsontext.NewDecoder(bytes.NewReader(value)), found)
	}
	switch decoder.PeekKind() {
	case '{':
		return n.walkObject(decoder, found)
	case '[':
		return n.walkArray(decoder, found)
	}
	return decoder.SkipValue()
}

func (n *finderNode) walkObject(decoder *jsontext.Decoder, found []jsontext.Value) error {
	if _, err := decoder.ReadToken(); err != nil {
		return err
	}
	for decoder.PeekKind() != '}' {
		name, err := decoder.ReadValue()
		if err != nil {
			return err
		}
		next, err := n.named(name)
		if err != nil {
			return err
		}
		if err := next.walk(decoder, found); err != nil {
			return err
		}
	}
	_, err := decoder.ReadToken()
	return err
}

// named returns the node of a quoted name, or nil.
func (n *finderNode) named(quoted jsontext.Value) (*finderNode, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return n.names[string(quoted[1:len(quoted)-1])], nil
	}
	name, err := jsontext.AppendUnquote(nil, quoted)
	return n.names[string(name)], err
}

func (n *finderNode) walkArray(decoder *jsontext.Decoder, found []jsontext.Value) error {
	if _, err := decoder.ReadToken(); err != nil {
		return err
	}
	for i := 0; decoder.PeekKind() != ']'; i++ {
		if err := n.items[i].walk(decoder, found); err != nil {
			return err
		}
	}
	_, err := decoder.ReadToken()
	return err
}

// scalarText returns a string's contents, or a number's or a boolean's text, and
// false for anything else.
func scalarText(value jsontext.Value) (string, bool) {
	switch value.Kind() {
	case '"':
		text, err := jsontext.AppendUnquote(nil, value)
		return string(text), err == nil
	case '0', 't', 'f':
		return string(value), true
	}
	return "", false
}

// elements returns the elements of an array, at most one more than MaxItems.
func elements(array jsontext.Value) ([]jsontext.Value, error) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(array))
	if _, err := decoder.ReadToken(); err != nil {
		return nil, err
	}
	var list []jsontext.Value
	for decoder.PeekKind() != ']' && len(list) <= MaxItems {
		value, err := decoder.ReadValue()
		if err != nil {
			return nil, err
		}
		list = append(list, value.Clone())
	}
	return list, nil
}
