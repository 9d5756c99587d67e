package expr

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// String returns the name of the column, quoted where it is no plain identifier.
func (c *Column) String() string {
	name := c.Name
	if name == "" {
		name = "$" + strconv.Itoa(c.Index)
	}
	if !plainName(name) {
		name = `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	}
	return name
}

func plainName(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '_' && s[i] != '$' && s[i] != '@' &&
			s[i] != '.' {
			return false
		}
	}
	return s != ""
}

// String returns the constant as SQL.
func (l *Literal) String() string {
	if l.V == nil {
		if l.T.Kind == vector.Null {
			return "NULL"
		}
		return "CAST(NULL AS " + l.T.String() + ")"
	}
	text := literalText(l)
	switch l.T.Kind {
	case vector.String:
		return quote(text)
	case vector.Date, vector.Time, vector.Timestamp, vector.Interval:
		return l.T.Kind.String() + " " + quote(text)
	case vector.Bytes:
		return "TO_BYTES(" + quote(text) + ", 'base64')"
	case vector.Double:
		if !strings.ContainsAny(text, "eNI") {
			return text + "e0"
		}
		return text
	default:
		return text
	}
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func literalText(l *Literal) string {
	switch v := l.V.(type) {
	case bool:
		return strings.ToUpper(strconv.FormatBool(v))
	case string:
		return v
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	default:
		one := literalVector(l)
		return string(vector.AppendText(nil, one, 0))
	}
}

// String returns the call as SQL; operators stand between their arguments.
func (c *Call) String() string {
	args := make([]string, len(c.Args))
	for i, a := range c.Args {
		args[i] = a.String()
		if in, ok := a.(*Call); ok && c.Func.Operator && in.Func.Operator && !in.Func.access() {
			args[i] = "(" + args[i] + ")"
		}
	}
	switch c.Func.Name {
	case "ARRAY":
		return "ARRAY[" + strings.Join(args, ", ") + "]"
	case "MAP":
		return "MAP(" + pairs(args) + ")"
	case "STRUCT":
		named := make([]string, 0, 2*len(args))
		for i, a := range args {
			named = append(named, (&Column{Name: c.T.Fields[i].Name}).String(), a)
		}
		return "STRUCT(" + pairs(named) + ")"
	case "[]":
		return args[0] + "[" + c.Args[1].String() + "]"
	case "->":
		name, _ := c.Args[1].(*Literal)
		text, _ := name.V.(string)
		return args[0] + "->" + (&Column{Name: text}).String()
	}
	if !c.Func.Operator {
		return c.Func.Name + "(" + strings.Join(args, ", ") + ")"
	}
	switch c.Func.Name {
	case "NOT":
		return "NOT " + args[0]
	case "NEG":
		return "-" + args[0]
	case "IS NULL":
		return args[0] + " IS NULL"
	case "BETWEEN":
		return args[0] + " BETWEEN " + args[1] + " AND " + args[2]
	case "IN":
		return args[0] + " IN (" + strings.Join(args[1:], ", ") + ")"
	case "LIKE":
		if len(args) == 3 {
			return args[0] + " LIKE " + args[1] + " ESCAPE " + args[2]
		}
	}
	return strings.Join(args, " "+c.Func.Name+" ")
}

// access says that f takes a part of its argument, which binds closer than any other operator.
func (f *Func) access() bool { return f.Name == "->" || f.Name == "[]" }

// pairs writes names and values in turn.
func pairs(list []string) string {
	out := make([]string, 0, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		out = append(out, list[i]+" := "+list[i+1])
	}
	return strings.Join(out, ", ")
}

// String returns the conversion as SQL.
func (c *Cast) String() string {
	name := "CAST"
	if c.Try {
		name = "TRY_CAST"
	}
	return fmt.Sprintf("%s(%s AS %s)", name, c.X, c.T)
}

// String returns the CASE as SQL.
func (c *Case) String() string {
	var b strings.Builder
	b.WriteString("CASE")
	for i, w := range c.When {
		fmt.Fprintf(&b, " WHEN %s THEN %s", w, c.Then[i])
	}
	if c.Else != nil {
		fmt.Fprintf(&b, " ELSE %s", c.Else)
	}
	return b.String() + " END"
}

// String returns the call of TRY as SQL.
func (t *Try) String() string { return "TRY(" + t.X.String() + ")" }
