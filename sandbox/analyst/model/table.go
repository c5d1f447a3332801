package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

const (
	maxCell    = 400 // bytes of one cell
	maxColumns = 40
	maxTables  = 30
)

// table renders a structured result for a model within limit bytes: a list of objects becomes a table with tabs, headed
// by the expression that a check reaches it by; fields within fields are columns with dots. What is left out is said.
func table(id string, raw json.RawMessage, limit int) string {
	root := "ev[" + key(id) + "]"
	if !json.Valid(raw) {
		return root + " cannot be shown\n"
	}
	var scalars []string
	var blocks []block
	if list, ok := elements(raw); ok {
		blocks = append(blocks, rows(root, list, limit))
	}
	all := members(raw)
	for _, m := range first(all, maxTables) {
		if list, ok := elements(m.value); ok {
			blocks = append(blocks, rows(fmt.Sprintf("%s[%s]", root, key(m.key)), list, limit))
			continue
		}
		for _, c := range flatten(m.key, m.value) {
			if c.text != "" {
				scalars = append(scalars, c.name+"="+c.text)
			}
		}
	}
	out := ""
	if len(scalars) > 0 {
		out = printable(root+" "+strings.Join(scalars, " "), max(maxCell, limit/4)) + "\n"
	}
	if len(blocks) == 0 && len(scalars) == 0 {
		return printable(root+" = "+string(raw), maxCell) + "\n"
	}
	if left := len(all) - maxTables; left > 0 {
		out += fmt.Sprintf("… %s left out here, checks see all\n", count(left, "more field"))
	}
	share(blocks, limit-len(out))
	for _, b := range blocks {
		out += b.text()
	}
	return out
}

// block is one table.
type block struct {
	path   string
	total  int // rows there are
	common string
	head   string
	lines  []string
	show   int
}

func (b block) text() string {
	if b.total == 0 {
		return b.path + " is empty\n"
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s, %s%s\n", b.path, count(b.total, "row"), b.common)
	if b.head != "" {
		out.WriteString(b.head + "\n")
	}
	for _, line := range b.lines[:b.show] {
		out.WriteString(line + "\n")
	}
	if left := b.total - b.show; left > 0 {
		fmt.Fprintf(&out, "… %s left out here, checks see all\n", count(left, "more row"))
	}
	return out.String()
}

// rows renders as many rows as could ever be shown within limit bytes.
func rows(path string, list []json.RawMessage, limit int) block {
	b := block{path: path, total: len(list)}
	var cells [][]cell
	for size := 0; len(cells) < len(list) && size < limit; {
		row := flatten("", list[len(cells)])
		for _, c := range row {
			size += len(c.text) + 1
		}
		cells = append(cells, row)
	}
	names, common := columns(cells)
	if len(names) > maxColumns {
		common = append(common, fmt.Sprintf("columns not shown: %s", strings.Join(names[maxColumns:], " ")))
		names = names[:maxColumns]
	}
	if len(common) > 0 {
		b.common = "; in every row shown " + strings.Join(common, ", ")
	}
	b.head = strings.Join(names, "\t")
	for _, row := range cells {
		line := make([]string, len(names))
		for n, name := range names {
			line[n] = value(row, name)
		}
		b.lines = append(b.lines, strings.TrimRight(strings.Join(line, "\t"), "\t"))
	}
	return b
}

// columns are the names of all cells in the order they come, less those that say the same in each of several rows.
func columns(table [][]cell) (names, common []string) {
	for _, row := range table {
		for _, c := range row {
			if !slices.Contains(names, c.name) {
				names = append(names, c.name)
			}
		}
	}
	if len(table) < 3 {
		return names, nil
	}
	varied := names[:0:0]
	for _, name := range names {
		text := value(table[0], name)
		if len(text) < 60 && !slices.ContainsFunc(table, func(row []cell) bool { return value(row, name) != text }) {
			common = append(common, fmt.Sprintf("%s=%s", name, text))
		} else {
			varied = append(varied, name)
		}
	}
	return varied, common
}

func value(row []cell, name string) string {
	for _, c := range row {
		if c.name == name {
			return c.text
		}
	}
	return ""
}

// share decides how many rows of each table are shown: small tables whole, the rest of the space in equal parts.
func share(blocks []block, limit int) {
	left := limit
	order := make([]int, len(blocks))
	size := func(b block) int {
		n := 0
		for _, line := range b.lines {
			n += len(line) + 1
		}
		return n
	}
	for i, b := range blocks {
		order[i] = i
		b.show = 0
		left -= len(b.text())
	}
	slices.SortStableFunc(order, func(a, b int) int { return size(blocks[a]) - size(blocks[b]) })
	for n, i := range order {
		space := max(0, left) / (len(order) - n)
		b := &blocks[i]
		for b.show < len(b.lines) && space > len(b.lines[b.show]) {
			space -= len(b.lines[b.show]) + 1
			left -= len(b.lines[b.show]) + 1
			b.show++
		}
	}
}

// key is a field's name as an expression writes it.
func key(name string) string { return `"` + printable(name, 100) + `"` }
