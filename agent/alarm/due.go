package alarm

// dueHeap orders watches by when they want to be stepped, then by their place in the config.
type dueHeap []*watch

func (h dueHeap) Len() int { return len(h) }

func (h dueHeap) Less(i, j int) bool {
	if a, b := h[i].cond.Next, h[j].cond.Next; a != b {
		return a < b
	}
	return h[i].index < h[j].index
}

func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].waiting, h[j].waiting = i, j
}

// Push implements heap.Interface.
func (h *dueHeap) Push(x any) {
	w := x.(*watch)
	w.waiting = len(*h)
	*h = append(*h, w)
}

// Pop implements heap.Interface.
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	w := (*h)[last]
	w.waiting = -1
	*h = (*h)[:last]
	return w
}
