package plan

import (
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// Mode is what becomes of a query's result.
type Mode uint8

// The modes. Persistent: CSAS, CTAS, INSERT INTO: runs until it is dropped. Push: a client's SELECT .. EMIT. Bounded:
// all input has an end, and the final rows are the answer (leat run, pull queries).
const (
	Persistent Mode = iota
	Push
	Bounded
)

// Binder binds the queries of one statement.
type Binder struct {
	Catalog Catalog
	Mode    Mode
	// RecordEmission emits after each row (SET 'emit' = 'record').
	RecordEmission bool
	// Profile is the dialect of the statement.
	Profile expr.Profile
	// KeyFormat is the session's format for keys that no source gives one; "" is KAFKA.
	KeyFormat string
	// Functions are those of CREATE FUNCTION.
	Functions Functions
	// File declares the file that a query names (FROM 'x.csv'); nil: queries name none.
	File func(r *ast.TableRef) (*Object, error)
	// Warnings are collected for the user; they do not stop anything.
	Warnings []string
	// StateTTLMs > 0 bounds the state of joins and of DISTINCT that nothing else bounds (SET 'state.ttl').
	StateTTLMs int64
	ctes       *cte        // WITH queries in scope
	cross      *crossTerms // of the query whose FROM is being bound
	relations  int
	depth      int
	inner      bool // the query being bound feeds another one
	selected   int  // columns of the outermost select list; behind them stand key columns that were kept
	renames    bool // INSERT .. SELECT: columns go by their place, names may repeat
	final      bool // EMIT FINAL was written
	finals     int  // windows inside of subqueries that became final by it
	ranks      map[*ast.Query]*rankLimit
	keep       bool // DISTINCT reads the changes of the select list: their key is kept
}

const maxQueryDepth = 32

// bindQuery makes the logical plan of a query. table tells that a CREATE TABLE wants its keys kept.
func (b *Binder) bindQuery(q *ast.Query, table bool) (*Node, error) {
	b.depth++
	defer func() { b.depth-- }()
	if b.depth > maxQueryDepth {
		return nil, sqlerr.New(sqlerr.TooLarge, q.At, "queries are nested more than %d deep", maxQueryDepth)
	}
	if err := b.refuseQuery(q); err != nil {
		return nil, err
	}
	defer b.withCTEs(q)()
	switch {
	case q.Union != nil:
		return b.bindUnion(q)
	case q.Values != nil:
		return b.bindValues(q)
	}
	b.final = b.final || q.Emit == ast.EmitFinal
	q = b.liftSubqueries(b.findTopN(groupTVF(q)))
	was, cross := b.cross, crossTermsOf(q)
	b.cross = cross
	sc, err := b.bindFrom(q.From)
	b.cross = was
	if err != nil {
		return nil, err
	}
	if sc.node.Updating && b.Mode == Bounded && q.Emit == ast.EmitDefault {
		sc.node = foldTable(sc.node) // what counts is the table's state at the end
	}
	if where := cross.rest(q.Where); where != nil {
		if sc, err = b.bindWhere(sc, where); err != nil {
			return nil, err
		}
	}
	if sc, err = b.bindItemSubqueries(q, sc); err != nil {
		return nil, err
	}
	n, err := b.bindSelect(q, sc, table)
	if err != nil {
		return nil, err
	}
	return b.bindOrderLimit(q, sc, n)
}

// refuseQuery names the clauses that no plan exists for.
func (b *Binder) refuseQuery(q *ast.Query) error {
	switch {
	case len(q.Sources) > 0:
		return unsupported(q.Sources[0].At, "WITH on a SELECT")
	case len(q.Into) > 0:
		return unsupported(q.Into[0].At, "SELECT .. INTO").WithHint("CREATE STREAM %s AS SELECT ..., or CREATE SINK",
			q.Into[0].Name)
	case b.inner && q.Emit != ast.EmitDefault:
		return sqlerr.New(sqlerr.BadStatement, q.EmitAt, "EMIT belongs to the outermost query")
	}
	return nil
}

func fieldNames(n *Node) []string {
	names := make([]string, len(n.Schema.Fields))
	for i, f := range n.Schema.Fields {
		names[i] = f.Name
	}
	return names
}
