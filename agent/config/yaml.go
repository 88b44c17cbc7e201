package config

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds of a config file. They are far above any real one and keep a hostile or
// damaged file from costing more than a moment and a few megabytes.
const (
	maxText  = 1 << 20 // bytes of the file
	maxNodes = 100_000 // values, each counted as often as aliases repeat it
	maxDepth = 32      // mappings and lists inside each other
	maxKeys  = 2_000   // keys of one mapping: the parser's work grows with their square
)

// pos is a place in the file, from 1; columns count characters.
type pos struct{ line, column int }

type nodeKind uint8

const (
	nullNode nodeKind = iota + 1
	scalarNode
	listNode
	mapNode
	brokenNode // could not be read, and was reported
)

// node is a value of the file with its place. Scalars keep their text as it was
// written, so that 0x44, 007 and 4.10 reach the field that knows what they mean.
type node struct {
	kind    nodeKind
	text    string // of a scalar
	quoted  bool   // a scalar in quotes or a text block: never a number or a bool
	pos     pos
	path    string
	items   []*node // of a list
	entries []entry // of a mapping, in the file's order
	size    int     // nodes in this one, with aliases written out
}

type entry struct {
	key   string
	pos   pos
	value *node
}

// child is the value under key; nil if there is none.
func (n *node) child(key string) *node {
	if n == nil {
		return nil
	}
	for i := range n.entries {
		if n.entries[i].key == key {
			return n.entries[i].value
		}
	}
	return nil
}

// near is the value under key, or n itself where the key is missing: where to point at.
func (n *node) near(key string) *node {
	if c := n.child(key); c != nil {
		return c
	}
	if n == nil {
		return &node{kind: nullNode, pos: pos{1, 1}}
	}
	return n
}

// item is the i-th item; nil if there is none.
func (n *node) item(i int) *node {
	if n == nil || i >= len(n.items) {
		return nil
	}
	return n.items[i]
}

// parseYAML turns the text into nodes. It returns nil after having reported why it cannot.
func parseYAML(p *problems, text []byte) *node {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !checkText(p, text) {
		return nil
	}
	tokens := lexer.Tokenize(string(text))
	if !checkTokens(p, tokens) {
		return nil
	}
	file, err := parseTokens(tokens)
	if err != nil {
		reportSyntax(p, text, err)
		return nil
	}
	c := converter{problems: p, anchors: map[string]*node{}}
	return c.file(file)
}

// parseTokens shields the agent from the parser's own mistakes: a file that makes it
// panic is a file it cannot read.
func parseTokens(tokens token.Tokens) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			file, err = nil, fmt.Errorf("the YAML parser gives up: %v", r)
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

func checkText(p *problems, text []byte) bool {
	if len(text) > maxText {
		p.errorf(pos{1, 1}, "", "the file has %d bytes, more than the %d that a config can have; keep stock items in stock.items_file", len(text), maxText)
		return false
	}
	line, column := 1, 1
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			p.errorf(pos{line, column}, "", "byte 0x%02x is not UTF-8: save the file as UTF-8", text[i])
			return false
		case r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f:
			p.errorf(pos{line, column}, "", "control character 0x%02x: remove it", r)
			return false
		case r == '\n':
			line, column = line+1, 0
		}
		column++
		i += size
	}
	return true
}

// checkTokens refuses what would make the parser recurse or work without bound.
func checkTokens(p *problems, tokens token.Tokens) bool {
	var open nesting
	for i, tk := range tokens {
		at, keys := place(tk), 0
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			open.flow++
		case token.MappingEndType, token.SequenceEndType:
			open.flow = max(0, open.flow-1)
		case token.SequenceEntryType:
			open.block(at.column)
		case token.MappingKeyType:
			p.errorf(at, "", "a key behind a question mark has no meaning here: write key: value")
			return false
		case token.MappingValueType:
			if i > 0 {
				keys = open.key(place(tokens[i-1]).column)
			}
		}
		if open.flow+len(open.columns) > maxDepth {
			p.errorf(at, "", "nested more than %d deep", maxDepth)
			return false
		}
		if keys > maxKeys {
			p.errorf(at, "", "one mapping has more than %d keys", maxKeys)
			return false
		}
	}
	return true
}

// nesting follows how deep the tokens are nested, and counts the keys of each mapping:
// by column in block style, by depth in flow style.
type nesting struct {
	columns []int // where the open blocks begin, rising
	counts  []int // their keys
	flow    int
	inFlow  [maxDepth + 2]int
}

// block enters the block that begins at column, and leaves those to its right.
func (o *nesting) block(column int) {
	if o.flow > 0 {
		return
	}
	clear(o.inFlow[:])
	n := len(o.columns)
	for n > 0 && o.columns[n-1] > column {
		n--
	}
	o.columns, o.counts = o.columns[:n], o.counts[:n]
	if n == 0 || o.columns[n-1] < column {
		o.columns, o.counts = append(o.columns, column), append(o.counts, 0)
	}
}

// key counts a key of the innermost mapping.
func (o *nesting) key(column int) int {
	if o.flow > 0 {
		clear(o.inFlow[o.flow+1:])
		o.inFlow[o.flow]++
		return o.inFlow[o.flow]
	}
	o.block(column)
	o.counts[len(o.counts)-1]++
	return o.counts[len(o.counts)-1]
}

func place(tk *token.Token) pos {
	if tk == nil || tk.Position == nil {
		return pos{1, 1}
	}
	return pos{max(1, tk.Position.Line), max(1, tk.Position.Column)}
}

// reportSyntax passes on the parser's message and place, never its excerpt of the file:
// that could hold a password. Tabs, the usual cause, are named for what they are.
func reportSyntax(p *problems, text []byte, err error) {
	tabs := false
	for i, line := range strings.Split(string(text), "\n") {
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if t := strings.IndexByte(indent, '\t'); t >= 0 && len(indent) < len(strings.TrimRight(line, "\r")) {
			p.errorf(pos{i + 1, t + 1}, "", "a tab in the indentation: YAML wants spaces")
			tabs = true
		}
	}
	var syntax *yaml.SyntaxError
	switch {
	case tabs:
	case errors.As(err, &syntax):
		p.errorf(place(syntax.Token), "", "not valid YAML: %s", syntax.Message)
	default:
		p.errorf(pos{1, 1}, "", "not valid YAML: %s", cause(err))
	}
}

// converter turns the parser's tree into nodes.
type converter struct {
	*problems
	anchors map[string]*node
	total   int
}

func (c *converter) file(f *ast.File) *node {
	var bodies []ast.Node
	for _, d := range f.Docs {
		if d.Body != nil {
			bodies = append(bodies, d.Body)
		}
	}
	if len(bodies) == 0 {
		c.errorf(pos{1, 1}, "", "the file is empty: at least site and gateway are needed")
		return nil
	}
	if len(bodies) > 1 {
		c.errorf(place(bodies[1].GetToken()), "", "a second document begins here: a config is one YAML document")
		return nil
	}
	before := len(c.errors)
	root := c.node(bodies[0], "", 0)
	if c.total > maxNodes {
		c.errorf(root.pos, "", "more than %d values, counting what aliases repeat", maxNodes)
		return nil
	}
	if root.kind != mapNode {
		if len(c.errors) == before {
			c.errorf(root.pos, "", "the file is %s: want keys with values, such as site: my-site", root.what())
		}
		return nil
	}
	return root
}

// what describes a node in a sentence.
func (n *node) what() string {
	switch n.kind {
	case nullNode:
		return "empty"
	case listNode:
		return "a list"
	case mapNode:
		return "a mapping"
	}
	return "a single value"
}

// node converts one value; it always returns a node, an empty one after an error.
func (c *converter) node(n ast.Node, path string, depth int) *node {
	out := &node{kind: nullNode, pos: pos{1, 1}, path: path, size: 1}
	if n == nil {
		return out
	}
	out.pos = place(n.GetToken())
	if depth > maxDepth {
		out.kind = brokenNode
		c.errorf(out.pos, path, "nested more than %d deep", maxDepth)
		return out
	}
	c.total++
	switch v := n.(type) {
	case *ast.NullNode:
	case *ast.StringNode:
		out.kind, out.text = scalarNode, v.Value
		out.quoted = v.Token.Type == token.SingleQuoteType || v.Token.Type == token.DoubleQuoteType
	case *ast.LiteralNode:
		out.kind, out.text, out.quoted = scalarNode, v.Value.Value, true
		out.pos = place(v.Start)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		out.kind, out.text = scalarNode, n.GetToken().Value
	case *ast.MappingNode:
		out.kind = mapNode
		c.mapping(out, v.Values, depth)
	case *ast.MappingValueNode:
		out.kind, out.pos = mapNode, place(v.Key.GetToken())
		c.mapping(out, []*ast.MappingValueNode{v}, depth)
	case *ast.SequenceNode:
		out.kind = listNode
		for i, item := range v.Values {
			child := c.node(item, path+"["+strconv.Itoa(i)+"]", depth+1)
			if i < len(v.Entries) && v.Entries[i] != nil && child.kind == nullNode {
				child.pos = place(v.Entries[i].Start)
			}
			out.items = append(out.items, child)
			out.size += child.size
		}
	case *ast.AnchorNode:
		return c.anchor(v, path, depth)
	case *ast.AliasNode:
		return c.alias(v, out)
	case *ast.TagNode:
		out.kind = brokenNode
		c.errorf(out.pos, path, "YAML tags (!…) have no meaning here: remove it")
	default:
		out.kind = brokenNode
		c.errorf(out.pos, path, "this YAML construct has no meaning here")
	}
	out.size = min(out.size, maxNodes+1)
	return out
}

func (c *converter) anchor(v *ast.AnchorNode, path string, depth int) *node {
	out := c.node(v.Value, path, depth+1)
	if v.Name != nil && v.Name.GetToken() != nil {
		c.anchors[v.Name.GetToken().Value] = out
	}
	return out
}

// alias shares the node of its anchor, and counts it again.
func (c *converter) alias(v *ast.AliasNode, empty *node) *node {
	name := ""
	if v.Value != nil && v.Value.GetToken() != nil {
		name = v.Value.GetToken().Value
	}
	target := c.anchors[name]
	if target == nil {
		known := make([]string, 0, len(c.anchors))
		for k := range c.anchors {
			known = append(known, k)
		}
		empty.kind = brokenNode
		c.errorf(empty.pos, empty.path, "no anchor &%s stands before this alias%s", clip(name), suggest(name, known))
		return empty
	}
	c.total = min(maxNodes+1, c.total+target.size)
	return target
}

func (c *converter) mapping(out *node, values []*ast.MappingValueNode, depth int) {
	if len(values) > 0 && !values[0].IsFlowStyle {
		out.pos = place(values[0].Key.GetToken())
	}
	seen := make(map[string]pos, len(values))
	for _, v := range values {
		at := place(v.Key.GetToken())
		if _, merge := v.Key.(*ast.MergeKeyNode); merge {
			out.kind = brokenNode
			c.errorf(at, out.path, "merge keys (<<) have no meaning here: write the keys out")
			continue
		}
		key, ok := keyText(v.Key)
		if !ok {
			out.kind = brokenNode
			c.errorf(at, out.path, "a key must be a plain word")
			continue
		}
		path := join(out.path, clip(key))
		if first, twice := seen[key]; twice {
			c.errorf(at, path, "the key stands here a second time; the first is in line %d", first.line)
			continue
		}
		seen[key] = at
		child := c.node(v.Value, path, depth+1)
		if child.kind == nullNode {
			child.pos = at
		}
		out.entries = append(out.entries, entry{key, at, child})
		out.size += child.size
	}
}

// keyText is the key as written, if it is a plain scalar.
func keyText(k ast.MapKeyNode) (string, bool) {
	switch v := k.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return k.GetToken().Value, true
	}
	return "", false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// clip keeps a word from the file printable and short, for use in messages.
func clip(s string) string {
	const longest = 64
	if utf8.RuneCountInString(s) > longest {
		s = string([]rune(s)[:longest]) + "…"
	}
	if q := strconv.Quote(s); q[1:len(q)-1] != s || s == "" {
		return q
	}
	return s
}
