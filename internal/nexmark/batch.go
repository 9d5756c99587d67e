package nexmark

import (
	"context"
	"io"
	"strconv"

	"github.com/leatsql/leat/internal/direct"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Schema returns the columns of a kind.
func Schema(k Kind) *vector.Schema {
	text := map[string]bool{
		"name": true, "email_address": true, "credit_card": true, "city": true, "state": true, "extra": true,
		"item_name": true, "description": true, "channel": true, "url": true,
	}
	s := &vector.Schema{}
	for _, name := range [...][]string{
		Person: {"id", "name", "email_address", "credit_card", "city", "state", "date_time", "extra"},
		Auction: {
			"id", "item_name", "description", "initial_bid", "reserve", "date_time", "expires", "seller", "category",
			"extra",
		},
		Bid: {"auction", "bidder", "price", "channel", "url", "date_time", "extra"},
	}[k] {
		f := vector.Field{Name: name, Type: vector.TBigInt}
		if text[name] {
			f.Type = vector.TString
		}
		s.Fields = append(s.Fields, f)
	}
	return s
}

// Source gives the events of one kind as batches, without a detour through text. It implements direct.Source.
type Source struct {
	Gen    *Generator
	Kind   Kind
	Events int64 // of all kinds
	Rows   int   // of a batch
	// DelayMs is how far the watermark stays behind.
	DelayMs int64
	Writer  string

	at   int64
	wm   int64
	ev   Event
	b    *vector.Batch
	rows int64
}

// Next implements direct.Source.
func (s *Source) Next(context.Context) (direct.Item, error) {
	if s.b == nil {
		s.b, s.wm = vector.NewBatch(Schema(s.Kind), s.Rows), vector.NoTime
	}
	b := s.b
	for _, v := range b.Cols {
		vector.Reset(v)
	}
	b.Time, b.Rows, b.Sel, b.FirstRow = b.Time[:0], 0, nil, int(s.rows)
	for ; s.at < s.Events && b.Rows < s.Rows; s.at++ {
		if s.Gen.KindOf(s.at) != s.Kind {
			continue
		}
		s.Gen.Make(s.at, &s.ev)
		s.ev.appendTo(b)
	}
	if b.Rows == 0 {
		return direct.Item{}, io.EOF
	}
	s.rows += int64(b.Rows)
	vector.SetClock(b, s.wm, s.DelayMs)
	for _, t := range b.Time {
		s.wm = max(s.wm, t-s.DelayMs)
	}
	b.Watermark, b.AppendTime = s.wm, s.wm
	return direct.Item{Batch: b, Writer: s.Writer, Partition: -1}, nil
}

// appendTo appends the event as a row.
func (ev *Event) appendTo(b *vector.Batch) {
	col := 0
	number := func(list ...int64) {
		for _, n := range list {
			v := b.Cols[col]
			v.I64 = append(v.I64, n)
			v.Len++
			col++
		}
	}
	bytes := func(list ...[]byte) {
		for _, t := range list {
			v := b.Cols[col]
			v.Data = append(v.Data, t...)
			v.Offs = append(v.Offs, uint32(len(v.Data)))
			v.Len++
			col++
		}
	}
	switch ev.Kind {
	case Person:
		number(ev.ID)
		bytes(ev.Name, ev.Email, ev.Card, ev.City, ev.State)
		number(ev.Time)
	case Auction:
		number(ev.ID)
		bytes(ev.ItemName, ev.Description)
		number(ev.InitialBid, ev.Reserve, ev.Time, ev.Expires, ev.Seller, ev.Category)
	case Bid:
		number(ev.Auction, ev.Bidder, ev.Price)
		for _, t := range [...]string{ev.Channel, ev.URL} {
			v := b.Cols[col]
			v.Data = append(v.Data, t...)
			v.Offs = append(v.Offs, uint32(len(v.Data)))
			v.Len++
			col++
		}
		number(ev.Time)
	}
	bytes(ev.Extra)
	b.Time = append(b.Time, ev.Time)
	b.Rows++
}

// SideRows is the number of rows of side_input.
const SideRows = 10_000

// Side gives the rows of side_input. It implements direct.Source.
type Side struct {
	Writer string
	done   bool
}

// Next implements direct.Source.
func (s *Side) Next(context.Context) (direct.Item, error) {
	if s.done {
		return direct.Item{}, io.EOF
	}
	s.done = true
	schema := &vector.Schema{
		Fields: []vector.Field{{Name: "key", Type: vector.TBigInt}, {Name: "value", Type: vector.TString}},
	}
	b := vector.NewBatch(schema, SideRows)
	for i := range int64(SideRows) {
		k, v := b.Cols[0], b.Cols[1]
		k.I64 = append(k.I64, i)
		v.Data = strconv.AppendInt(v.Data, i, 10)
		v.Offs = append(v.Offs, uint32(len(v.Data)))
		k.Len, v.Len = k.Len+1, v.Len+1
		b.Time = append(b.Time, 0)
	}
	b.Rows = SideRows
	return direct.Item{Batch: b, Writer: s.Writer, Partition: -1}, nil
}

// SideCSV is the rows of side_input as a CSV file.
func SideCSV() []byte {
	var out []byte
	for i := range int64(SideRows) {
		out = append(strconv.AppendInt(append(strconv.AppendInt(out, i, 10), ','), i, 10), '\n')
	}
	return out
}
