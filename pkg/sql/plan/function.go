package plan

import (
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Function is what CREATE FUNCTION declares: plain data, which the catalog keeps with the queries that call it.
type Function struct {
	Name    string      `json:"name"`
	Params  []Column    `json:"params"`
	Returns vector.Type `json:"returns"`
	Export  string      `json:"export"`
	// Code is the WebAssembly module.
	Code []byte `json:"code"`
	// Statement is the text that made it.
	Statement string `json:"statement"`
}

// Functions finds the functions that statements may call beside those of the table, by name in capitals.
type Functions map[string]*expr.Func

// DefineFunction makes the function of a statement; code is the module that it names.
func DefineFunction(st *ast.CreateFunction, code []byte) (*Function, error) {
	name := strings.ToUpper(st.Name.Name)
	_, known := expr.Lookup(name)
	if known || operator.IsAggregate(name) {
		return nil, sqlerr.New(sqlerr.Exists, st.Name.At, "%s is a function of Leat", name).
			WithHint("choose another name")
	}
	f := &Function{Name: name, Returns: st.Returns, Export: st.Export, Code: code, Statement: st.Text}
	if f.Export == "" {
		f.Export = st.Name.Name
	}
	for _, p := range st.Params {
		f.Params = append(f.Params, Column{Name: p.Name.Name, Type: p.Type})
	}
	return f, nil
}

// Types are the types of the parameters.
func (f *Function) Types() []vector.Type {
	out := make([]vector.Type, len(f.Params))
	for i, p := range f.Params {
		out[i] = p.Type
	}
	return out
}
