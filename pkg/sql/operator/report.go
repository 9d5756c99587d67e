package operator

import "github.com/leatsql/leat/pkg/sql/vector"

// inputReport is the Report of operators up to the first stateful one: their rows are numbered as those of the batch
// that the chain got, and are reported as rows of that batch.
type inputReport struct {
	to   Report
	head *vector.Batch
}

func (r *inputReport) Filtered(n int)                      { r.to.Filtered(n) }
func (r *inputReport) Skipped(n int)                       { r.to.Skipped(n) }
func (r *inputReport) Late(_ *vector.Batch, rows []uint32) { r.to.Late(r.head, rows) }

func (r *inputReport) Failed(_ *vector.Batch, row uint32, code, msg string) {
	r.to.Failed(r.head, row, code, msg)
}

func (r *inputReport) Noted(_ *vector.Batch, row uint32, code, msg string) {
	r.to.Noted(r.head, row, code, msg)
}

// derivedReport is the Report of the operators behind it: only failures and late rows leave it.
type derivedReport struct {
	to      Report
	derived DerivedReport // nil: to is none
}

func (r *derivedReport) Filtered(int) {}
func (r *derivedReport) Skipped(int)  {}

func (r *derivedReport) Late(b *vector.Batch, rows []uint32) {
	if r.derived != nil {
		r.derived.DerivedLate(b, rows)
	}
}

func (r *derivedReport) Failed(b *vector.Batch, row uint32, code, msg string) {
	if r.derived != nil {
		r.derived.DerivedFailed(b, row, code, msg)
		return
	}
	r.to.Failed(b, row, code, msg)
}

func (r *derivedReport) Noted(b *vector.Batch, row uint32, code, msg string) {
	r.to.Noted(b, row, code, msg)
}

// noReport is for scans: what fails there has been reported when it was emitted.
type noReport struct{}

func (noReport) Filtered(int)                                 {}
func (noReport) Skipped(int)                                  {}
func (noReport) Late(*vector.Batch, []uint32)                 {}
func (noReport) Failed(*vector.Batch, uint32, string, string) {}
func (noReport) Noted(*vector.Batch, uint32, string, string)  {}

func silent(appendTime int64) *Context {
	return &Context{Report: noReport{}, Derived: noReport{}, AppendTime: appendTime}
}
