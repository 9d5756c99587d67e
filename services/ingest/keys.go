package ingest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// maxKeys is how many requests of the past are known by their key.
const maxKeys = 64

// keyList is the keys of the last requests of a partition, oldest first: a hash, and how many rows are there where the
// request was not complete. It is the position of a pusher in the log.
type keyList []keyEntry

type keyEntry struct {
	key  string
	rows int // allRows when complete
}

const allRows = 1<<31 - 1

// keyOf returns the hash of a request's key; empty without one.
func keyOf(key string) string {
	if key == "" {
		return ""
	}
	return fmt.Sprintf("%016x", xxh3.HashString(key))
}

// parseKeys reads what String writes.
func parseKeys(s string) keyList {
	var l keyList
	for part := range strings.SplitSeq(s, ",") {
		key, rows, partial := strings.Cut(part, ":")
		if key == "" {
			continue
		}
		e := keyEntry{key, allRows}
		if n, err := strconv.Atoi(rows); partial && err == nil {
			e.rows = n
		}
		l = append(l, e)
	}
	return l
}

// String returns the list as it stands in the log.
func (l *keyList) String() string {
	var out []byte
	for i, e := range *l {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, e.key...)
		if e.rows != allRows {
			out = strconv.AppendInt(append(out, ':'), int64(e.rows), 10)
		}
	}
	return string(out)
}

// rows returns how many rows of the request with that key the partition has.
func (l *keyList) rows(key string) int {
	for _, e := range *l {
		if key != "" && e.key == key {
			return e.rows
		}
	}
	return 0
}

// advance notes that the partition has that many rows of a request.
func (l *keyList) advance(key string, rows int) {
	if key == "" {
		return
	}
	for i := range *l {
		if (*l)[i].key == key {
			(*l)[i].rows = max((*l)[i].rows, rows)
			return
		}
	}
	*l = append(*l, keyEntry{key, rows})
	if len(*l) > maxKeys {
		*l = append(keyList(nil), (*l)[len(*l)-maxKeys:]...)
	}
}

// complete notes that the partition has all rows of a request.
func (l *keyList) complete(key string) { l.advance(key, allRows) }

// splitRows lists the selected rows of each partition.
func splitRows(b *vector.Batch, keys []int, partitions int) [][]uint32 {
	sels := make([][]uint32, partitions)
	where := make([]uint64, b.Rows)
	if len(keys) > 0 && partitions > 1 {
		cols := make([]*vector.Vector, len(keys))
		for i, k := range keys {
			cols[i] = b.Cols[k]
		}
		vector.HashKeys(where, cols, b.Rows, nil)
	}
	for i, h := range where {
		p := h % uint64(partitions)
		sels[p] = append(sels[p], uint32(i))
	}
	return sels
}

// rowBytes is at least what a row of b takes in a message.
func rowBytes(b *vector.Batch, i uint32) int {
	n := 16 + 17*len(b.Cols)
	for _, v := range b.Cols {
		n += v.MoreBytes(int(i))
	}
	return n
}

func sizeOf(b *vector.Batch) int {
	n := 0
	for _, i := range b.Sel {
		n += rowBytes(b, i)
	}
	return n
}

// fitting returns how many rows of sel, at least one, fit a message.
func fitting(b *vector.Batch, sel []uint32) int {
	size := 0
	for k, i := range sel {
		if size += rowBytes(b, i); size > groupBytes && k > 0 {
			return k
		}
	}
	return len(sel)
}
