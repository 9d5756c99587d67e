package ast

// FormatExpr stub.
func FormatExpr(x Expr) string { return "" }
