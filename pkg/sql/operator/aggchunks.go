package operator

// chunkSize is when a chunk is split.
const chunkSize = 256

// chunks is an ordered list in pieces, so that an insertion moves few elements.
type chunks[E any] struct {
	parts [][]E
	n     int
}

// place is the position of an element.
type place struct{ part, at int }

// seek returns the position of the first element that is not before what is looked for; order is below 0 for an element
// that is.
func (c *chunks[E]) seek(order func(*E) int) place {
	lo, hi := 0, len(c.parts)
	for lo < hi { // the first part whose last element is not before
		m := int(uint(lo+hi) >> 1)
		p := c.parts[m]
		if order(&p[len(p)-1]) < 0 {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo == len(c.parts) {
		return place{lo, 0}
	}
	p := c.parts[lo]
	a, b := 0, len(p)-1
	for a < b {
		m := int(uint(a+b) >> 1)
		if order(&p[m]) < 0 {
			a = m + 1
		} else {
			b = m
		}
	}
	return place{lo, a}
}

// get returns the element at p, nil behind the last one.
func (c *chunks[E]) get(p place) *E {
	if p.part < 0 || p.part >= len(c.parts) {
		return nil
	}
	return &c.parts[p.part][p.at]
}

// prev is the position before p; part is -1 before the first one.
func (c *chunks[E]) prev(p place) place {
	if p.at > 0 {
		return place{p.part, p.at - 1}
	}
	if p.part == 0 {
		return place{-1, 0}
	}
	return place{p.part - 1, len(c.parts[p.part-1]) - 1}
}

// last is the position of the last element; part is -1 when there is none.
func (c *chunks[E]) last() place { return c.prev(place{len(c.parts), 0}) }

// insert puts e in front of the element at p.
func (c *chunks[E]) insert(p place, e E) {
	c.n++
	if p.part == len(c.parts) {
		if p.part == 0 || len(c.parts[p.part-1]) >= chunkSize {
			c.parts = append(c.parts, append([]E(nil), e))
			return
		}
		c.parts[p.part-1] = append(c.parts[p.part-1], e)
		return
	}
	part := c.parts[p.part]
	var none E
	part = append(part, none)
	copy(part[p.at+1:], part[p.at:])
	part[p.at] = e
	c.parts[p.part] = part
	if len(part) > chunkSize {
		half := len(part) / 2
		right := append(make([]E, 0, chunkSize+1), part[half:]...)
		clear(part[half:])
		c.parts[p.part] = part[:half]
		c.parts = append(c.parts, nil)
		copy(c.parts[p.part+2:], c.parts[p.part+1:])
		c.parts[p.part+1] = right
	}
}

// remove takes the element at p out.
func (c *chunks[E]) remove(p place) {
	c.n--
	part := c.parts[p.part]
	copy(part[p.at:], part[p.at+1:])
	clear(part[len(part)-1:])
	part = part[:len(part)-1]
	c.parts[p.part] = part
	if len(part) == 0 {
		copy(c.parts[p.part:], c.parts[p.part+1:])
		c.parts[len(c.parts)-1] = nil
		c.parts = c.parts[:len(c.parts)-1]
	}
}

// each calls f for the elements in order until it says false.
func (c *chunks[E]) each(f func(*E) bool) {
	for _, part := range c.parts {
		for i := range part {
			if !f(&part[i]) {
				return
			}
		}
	}
}
