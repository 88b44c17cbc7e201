package config

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/frostline/frostline/agent"
)

// maxItemsText bounds the items file.
const maxItemsText = 16 << 20

func (k checker) stock(zones register) {
	section := k.root.child("stock")
	if section.child("repeat") != nil && k.c.Stock.Repeat == 0 {
		k.c.Stock.Repeat = -1 // said so, where a zero could be taken for nothing said
	}
	list := section.child("items")
	book := itemBook{ids: map[string]string{}, codes: map[string]string{}}
	for i := range k.c.Stock.Items {
		it, n := &k.c.Stock.Items[i], list.item(i)
		if n.kind != mapNode || !k.id(n, "id", string(it.ID)) {
			continue
		}
		k.zone(n, zones, it.Zone)
		if it.Minimum < 0 {
			k.at(n.near("minimum"), "a minimum cannot be negative")
		}
		if it.Pieces < 1 {
			k.at(n.near("pieces"), "a scan stands for at least one piece")
		}
		place := "line " + strconv.Itoa(n.child("id").pos.line)
		if problem := book.id(it.ID, place); problem != "" {
			k.at(n.child("id"), "%s", problem)
			continue
		}
		for j, code := range it.Codes {
			if problem := book.code(code, it.ID, place); problem != "" {
				k.at(n.child("codes").item(j), "%s", problem)
			}
		}
	}
	if file := section.child("items_file"); file != nil && file.kind == scalarNode && k.read != nil {
		k.itemsFile(file, book, zones)
	}
}

// itemBook finds ids and codes that stand twice; the values say where the first stands.
type itemBook struct{ ids, codes map[string]string }

func (b itemBook) id(id agent.ItemID, place string) (problem string) {
	if first, twice := b.ids[string(id)]; twice {
		return "the item " + string(id) + " stands here a second time; the first is in " + first
	}
	b.ids[string(id)] = place
	return ""
}

// code enters a code. Tag ids are hexadecimal, so case does not tell codes apart.
func (b itemBook) code(code string, id agent.ItemID, place string) (problem string) {
	if strings.TrimSuffix(code, "*") == "" {
		return "the code is empty"
	}
	if first, twice := b.codes[strings.ToUpper(code)]; twice {
		return "the code " + clip(code) + " belongs to " + first + " already"
	}
	b.codes[strings.ToUpper(code)] = "item " + string(id) + " in " + place
	return ""
}

// itemColumns are the columns of the items file.
var itemColumns = []string{"id", "name", "codes", "minimum", "zone", "pieces"}

func (k checker) itemsFile(n *node, book itemBook, zones register) {
	text, err := k.read(k.c.Stock.ItemsFile)
	if err != nil {
		k.at(n, "the items file cannot be read: %s", cause(err))
		return
	}
	if len(text) > maxItemsText {
		k.at(n, "the items file has more than %s", Bytes(maxItemsText))
		return
	}
	file := csvFile{checker: k, name: k.c.Stock.ItemsFile, zones: zones, book: book}
	file.problems = &problems{file: file.name}
	file.parse(text)
	for _, e := range file.errors {
		if len(k.errors) < maxErrors {
			k.problems.errors = append(k.problems.errors, e)
		} else {
			k.more++
		}
	}
	k.more += file.more
	k.c.Stock.Items = append(k.c.Stock.Items, file.items...)
}

// csvFile reads the items file, whose errors have its own name, line and column.
type csvFile struct {
	checker
	name    string
	zones   register
	book    itemBook
	columns []string
	items   []Item
}

func (f *csvFile) parse(text []byte) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.Comment = -1, true, '#'
	header, err := r.Read()
	if err != nil {
		f.problems.errorf(pos{1, 1}, "", "the first line must name the columns: %s", strings.Join(itemColumns, ","))
		return
	}
	if !f.header(r, header) {
		return
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			f.problems.errorf(pos{bad.Line, max(1, bad.Column)}, "", "not valid CSV: %s", bad.Err)
			return
		}
		if err != nil {
			f.problems.errorf(pos{1, 1}, "", "not valid CSV: %s", err)
			return
		}
		f.row(r, row)
	}
}

func (f *csvFile) header(r *csv.Reader, header []string) bool {
	before := f.count()
	for i, h := range header {
		h = strings.TrimSpace(h)
		at := fieldPos(r, i)
		switch {
		case !slices.Contains(itemColumns, h):
			f.problems.errorf(at, "", "unknown column %s%s", clip(h), suggest(h, itemColumns))
		case slices.Contains(f.columns, h):
			f.problems.errorf(at, "", "the column %s stands here a second time", h)
		}
		f.columns = append(f.columns, h)
	}
	if !slices.Contains(f.columns, "id") {
		f.problems.errorf(pos{1, 1}, "", "the column id is missing; the first line must name the columns: %s", strings.Join(itemColumns, ","))
	}
	return f.count() == before
}

func fieldPos(r *csv.Reader, i int) pos {
	line, column := r.FieldPos(i)
	return pos{line, column}
}

func (f *csvFile) row(r *csv.Reader, row []string) {
	if len(row) > len(f.columns) {
		f.problems.errorf(fieldPos(r, len(f.columns)), "", "the line has %d fields, the first line names %d columns", len(row), len(f.columns))
		return
	}
	var it Item
	it.setDefaults()
	before := f.count()
	for i, text := range row {
		f.cell(fieldPos(r, i), f.columns[i], strings.TrimSpace(text), &it)
	}
	idAt := fieldPos(r, min(slices.Index(f.columns, "id"), len(row)-1))
	if it.ID == "" && f.count() == before {
		f.problems.errorf(idAt, "id", "the id is missing")
	}
	if f.count() > before {
		return
	}
	place := f.name + " line " + strconv.Itoa(idAt.line)
	if problem := f.book.id(it.ID, place); problem != "" {
		f.problems.errorf(idAt, "id", "%s", problem)
		return
	}
	for _, code := range it.Codes {
		if problem := f.book.code(code, it.ID, place); problem != "" {
			f.problems.errorf(fieldPos(r, slices.Index(f.columns, "codes")), "codes", "%s", problem)
		}
	}
	f.items = append(f.items, it)
}

func (f *csvFile) cell(at pos, column, text string, it *Item) {
	if text == "" {
		return
	}
	switch column {
	case "id":
		if agent.CheckID(text) != nil {
			f.problems.errorf(at, column, "%s", notAnID(text))
		}
		it.ID = agent.ItemID(text)
	case "name":
		it.Name = text
	case "codes":
		for code := range strings.SplitSeq(text, ";") {
			if code = strings.TrimSpace(code); code != "" {
				it.Codes = append(it.Codes, code)
			}
		}
	case "zone":
		f.zoneAt(&node{pos: at, path: column}, f.zones, agent.ZoneID(text))
		it.Zone = agent.ZoneID(text)
	case "minimum":
		it.Minimum = f.whole(at, column, text, 0)
	case "pieces":
		it.Pieces = f.whole(at, column, text, 1)
	}
}

func (f *csvFile) whole(at pos, column, text string, least int64) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least {
		f.problems.errorf(at, column, "%s is not a whole number from %d", clip(text), least)
	}
	return n
}
