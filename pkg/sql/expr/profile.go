package expr

import (
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Profile is the dialect under which a statement was created; it decides where meanings conflict.
type Profile uint8

// The profiles.
const (
	Leat Profile = iota
	Ksql
)

// Call is NewCall under the profile.
func (p Profile) Call(name string, args []Expr, at sqlerr.Span) (Expr, error) {
	return NewCall(name, args, at)
}

// Cast is NewCast under the profile.
func (p Profile) Cast(x Expr, t vector.Type, try bool, at sqlerr.Span) (Expr, error) {
	return NewCast(x, t, try, at)
}

// Case is NewCase under the profile.
func (p Profile) Case(when, then []Expr, els Expr, at sqlerr.Span) (Expr, error) {
	return NewCase(when, then, els, at)
}
