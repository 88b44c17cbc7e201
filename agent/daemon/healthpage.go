package daemon

import (
	"fmt"
	"html"
	"strings"

	"github.com/frostline/frostline/agent/control"
)

// The page is written by hand: html/template keeps the linker from leaving out methods that
// nobody calls, which costs megabytes of a binary that travels over cellular links.
const pageHead = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width"><title>%s – Frostline</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1c2733}
h1{font-size:1.4rem}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}table{border-collapse:collapse;width:100%%}
td,th{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #dde4ea}.critical{color:#b3261e;font-weight:600}
.warning{color:#8a5a00}.ok{color:#1b6e3c}.muted{color:#66727f}</style></head><body>
`

// healthPage is the status as a page that refreshes itself.
func healthPage(s *control.Status) string {
	var b strings.Builder
	fmt.Fprintf(&b, pageHead, esc(s.Gateway))
	fmt.Fprintf(&b, "<h1>%s / %s</h1><p class=muted>Frostline %s, clock %s</p>\n", esc(s.Site), esc(s.Gateway), esc(s.Version), esc(s.Clock.String()))
	var rows []string
	for _, c := range s.Conditions {
		rows = append(rows, fmt.Sprintf("<td class=%s>%s<td>%s<td>%s<br><span class=muted>%s</span>",
			esc(c.Severity), esc(c.Title), esc(c.Subject), esc(c.Detail), esc(c.Remedy)))
	}
	section(&b, "What is wrong", "Nothing.", rows)
	rows = nil
	for _, a := range s.Alarms {
		rows = append(rows, fmt.Sprintf("<td class=%s>%s<td>%s", esc(a.Severity), esc(a.State), esc(a.Message)))
	}
	section(&b, "Alarms", "None.", rows)
	for _, z := range s.Zones {
		rows = nil
		for _, p := range z.Points {
			rows = append(rows, fmt.Sprintf("<td>%s<td>%s", esc(p.Point), shownValue(&p)))
		}
		name := z.Name
		if name == "" {
			name = string(z.ID)
		}
		section(&b, name, "Nothing is measured here.", rows)
	}
	rows = nil
	for _, u := range s.Upstreams {
		rows = append(rows, fmt.Sprintf("<td>%s<td>%s<td>%d taken<td>%d waiting", esc(u.ID), esc(u.State), u.Taken, u.Waiting))
	}
	section(&b, "Delivery", "No upstream.", rows)
	return b.String() + "</body></html>\n"
}

func shownValue(p *control.Point) string {
	switch {
	case p.Fault != "":
		return "<span class=warning>no value: " + esc(p.Fault) + "</span>"
	case p.V == nil:
		return "<span class=muted>not read yet</span>"
	}
	return esc(strings.TrimSpace(p.V.String() + " " + p.Unit))
}

// section writes a table with a headline, or a word if there are no rows.
func section(b *strings.Builder, title, none string, rows []string) {
	fmt.Fprintf(b, "<h2>%s</h2>", esc(title))
	if len(rows) == 0 {
		fmt.Fprintf(b, "<p class=ok>%s</p>\n", esc(none))
		return
	}
	b.WriteString("<table>")
	for _, r := range rows {
		b.WriteString("<tr>" + r)
	}
	b.WriteString("</table>\n")
}

func esc[T ~string](s T) string { return html.EscapeString(string(s)) }
