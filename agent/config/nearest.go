package config

import (
	"sort"
	"strconv"
	"strings"
)

// suggest is the end of a sentence about an unknown word: ", did you mean every?" where
// one of the valid words is near, otherwise ", want a, b or c" with all of them.
func suggest(word string, valid []string) string {
	if len(valid) == 0 {
		return ""
	}
	if near := nearest(word, valid); near != "" {
		return ", did you mean " + near + "?"
	}
	return ", want " + oneOf(valid)
}

// oneOf lists words as "a", "a or b", "a, b or c", in alphabetical order.
func oneOf(words []string) string {
	words = append([]string(nil), words...)
	sort.Strings(words)
	const shown = 40
	if len(words) > shown {
		return strings.Join(words[:shown], ", ") + " or one of " + strconv.Itoa(len(words)-shown) + " more"
	}
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// nearest is the valid word that word was most likely meant to be, or "".
func nearest(word string, valid []string) string {
	word = strings.ToLower(word)
	best, bestDistance := "", 0
	for _, v := range valid {
		d := distance(word, strings.ToLower(v))
		limit := (max(len(word), len(v)) + 2) / 3
		if squash(word) == squash(v) {
			d = 0
		} else if d > limit && len(word) >= 3 && (strings.HasPrefix(v, word) || strings.HasPrefix(word, v) && len(v) >= 3) {
			d = limit
		}
		if d <= limit && (best == "" || d < bestDistance || d == bestDistance && v < best) {
			best, bestDistance = v, d
		}
	}
	return best
}

// squash removes what people mix up in keys: at_or_above, at-or-above, atOrAbove.
func squash(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s))
}

// maxWord bounds the work of distance: no valid word is longer.
const maxWord = 128

// distance is the number of letters inserted, removed, replaced or swapped with their
// neighbor that turns a into b (optimal string alignment).
func distance(a, b string) int {
	if len(a) > maxWord || len(b) > maxWord {
		return maxWord
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
