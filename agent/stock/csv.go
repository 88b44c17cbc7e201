package stock

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/frostline/frostline/agent"
)

// Errors of ParseCSV.
var (
	ErrHeader = errors.New("the first line names the columns: id,name,minimum,codes,zone (codes are separated by semicolons)")
	ErrNumber = errors.New("not a whole number of at least 0")
)

// ParseCSV reads items from comma-separated values with a header line that names the
// columns: id, and in any order name, minimum, codes (separated by semicolons) and zone. The
// error joins everything that is wrong, each with its line; the items are those that are right.
func ParseCSV(r io.Reader) ([]Item, error) {
	c := csv.NewReader(r)
	c.TrimLeadingSpace = true
	header, err := c.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = ErrHeader
		}
		return nil, fmt.Errorf("line 1: %w", err)
	}
	columns, err := columnsOf(header)
	if err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	var items []Item
	var errs []error
	first := map[agent.ItemID]int{}
	owner := map[string]agent.ItemID{}
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return items, errors.Join(errs...)
		}
		if err != nil {
			errs = append(errs, csvError(err))
			if !errors.Is(err, csv.ErrFieldCount) {
				return items, errors.Join(errs...)
			}
			continue
		}
		line, _ := c.FieldPos(0)
		it, err := itemOf(columns, row)
		if err == nil && first[it.ID] != 0 {
			err = fmt.Errorf("%s: %w (the other is in line %d)", it.ID, ErrItemTwice, first[it.ID])
		}
		for _, code := range it.Codes {
			if other, taken := owner[code]; err == nil && taken && other != it.ID {
				err = fmt.Errorf("%q: %w (the other is %s)", code, ErrCodeTwice, other)
			}
			owner[code] = it.ID
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", line, err))
			continue
		}
		first[it.ID] = line
		items = append(items, it)
	}
}

func csvError(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return fmt.Errorf("line %d: %w", p.Line, p.Err)
	}
	return err
}

func columnsOf(header []string) ([]string, error) {
	columns := make([]string, len(header))
	seen := map[string]bool{}
	for i, h := range header {
		h = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")))
		switch h {
		case "id", "name", "minimum", "codes", "zone":
		default:
			return nil, fmt.Errorf("column %q: %w", h, ErrHeader)
		}
		if seen[h] {
			return nil, fmt.Errorf("column %q twice: %w", h, ErrHeader)
		}
		seen[h] = true
		columns[i] = h
	}
	if !seen["id"] {
		return nil, fmt.Errorf("no column \"id\": %w", ErrHeader)
	}
	return columns, nil
}

func itemOf(columns, row []string) (Item, error) {
	var it Item
	for i, column := range columns {
		field := strings.TrimSpace(row[i])
		switch column {
		case "id":
			it.ID = agent.ItemID(field)
		case "name":
			it.Name = field
		case "zone":
			it.Zone = agent.ZoneID(field)
		case "minimum":
			if field == "" {
				continue
			}
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil || n < 0 {
				return it, fmt.Errorf("minimum %q: %w", field, ErrNumber)
			}
			it.Minimum = n
		case "codes":
			for _, code := range strings.Split(field, ";") {
				if code = strings.TrimSpace(code); code != "" {
					it.Codes = append(it.Codes, code)
				}
			}
		}
	}
	return it, it.Check()
}
