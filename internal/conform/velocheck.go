package conform

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// evalCheck evaluates a check of a velostream case:
//
//	or    := and { "or" and }          and  := cmp { "and" cmp }
//	cmp   := sum [ op sum ]            sum  := unary { ("+"|"-") unary }
//	unary := "not(" or ")" | "(" or ")" | function | path | number | text | name
//
// A path that begins with row means every row: the check must hold for each.
func evalCheck(text string, r *veloRun, rows []veloRow) (bool, error) {
	c := &checker{run: r, rows: rows, tokens: checkTokens(text)}
	if !c.everyRow() {
		return c.once()
	}
	for i := range rows {
		c.at, c.current = 0, &rows[i]
		if ok, err := c.once(); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// checker reads and evaluates at once.
type checker struct {
	run     *veloRun
	rows    []veloRow
	current *veloRow // what row means
	tokens  []string
	at      int
	err     error
}

// checkTokens cuts a check into texts in quotes, numbers, words with their points and brackets, and operators.
func checkTokens(s string) []string {
	var out []string
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ':
			i++
		case c == '"':
			end := strings.IndexByte(s[i+1:], '"')
			if end < 0 {
				end = len(s) - i - 2
			}
			out = append(out, s[i:i+end+2])
			i += end + 2
		case unicode.IsLetter(rune(c)) || c == '_' || unicode.IsDigit(rune(c)):
			j := i
			for j < len(s) && (unicode.IsLetter(rune(s[j])) || unicode.IsDigit(rune(s[j])) ||
				strings.IndexByte("_.[]", s[j]) >= 0) {
				j++
			}
			out = append(out, s[i:j])
			i = j
		default:
			n := 1
			if i+1 < len(s) && s[i+1] == '=' && strings.IndexByte("<>=!", c) >= 0 {
				n = 2
			}
			out = append(out, s[i:i+n])
			i += n
		}
	}
	return out
}

// everyRow tells that the check speaks of each row.
func (c *checker) everyRow() bool {
	inCount := false
	for _, t := range c.tokens {
		inCount = inCount || t == "where"
		if strings.HasPrefix(t, "row.") && !inCount {
			return true
		}
	}
	return false
}

func (c *checker) once() (bool, error) {
	c.at, c.err = 0, nil
	v := c.or()
	if c.err == nil && c.at < len(c.tokens) {
		c.err = fmt.Errorf("unexpected %q", c.tokens[c.at])
	}
	b, ok := v.(bool)
	if c.err == nil && !ok {
		c.err = fmt.Errorf("%v is no truth", v)
	}
	return b, c.err
}

func (c *checker) peek() string {
	if c.at < len(c.tokens) {
		return c.tokens[c.at]
	}
	return ""
}

func (c *checker) next() string {
	t := c.peek()
	c.at++
	return t
}

func (c *checker) accept(t string) bool {
	if c.peek() != t {
		return false
	}
	c.at++
	return true
}

func (c *checker) expect(t string) {
	if !c.accept(t) && c.err == nil {
		c.err = fmt.Errorf("want %q before %q", t, c.peek())
	}
}

func (c *checker) or() any {
	v := c.and()
	for c.err == nil && c.accept("or") {
		w := c.and()
		v = v == true || w == true
	}
	return v
}

func (c *checker) and() any {
	v := c.compare()
	for c.err == nil && c.accept("and") {
		w := c.compare()
		v = v == true && w == true
	}
	return v
}

func (c *checker) compare() any {
	v := c.sum()
	op := c.peek()
	switch op {
	case "==", "=", "!=", "<", "<=", ">", ">=":
	default:
		return v
	}
	c.at++
	w := c.sum()
	a, okA := toFloat(v)
	b, okB := toFloat(w)
	if v == nil && okB || w == nil && okA {
		return true // an unknown comparison violates no check
	}
	if !okA || !okB {
		same := v == w
		if op == "!=" {
			return !same
		}
		return same && strings.Contains(op, "=")
	}
	switch op {
	case "==", "=":
		return a-b <= tolerance && b-a <= tolerance
	case "!=":
		return a != b
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	}
	return a >= b
}

func (c *checker) sum() any {
	v := c.unary()
	for c.err == nil && (c.peek() == "-" || c.peek() == "+") {
		sign := 1.0
		if c.next() == "-" {
			sign = -1
		}
		w := c.unary()
		a, okA := toFloat(v)
		b, okB := toFloat(w)
		if !okA || !okB {
			return nil
		}
		v = a + sign*b
	}
	return v
}

func (c *checker) unary() any {
	t := c.next()
	switch {
	case t == "(":
		v := c.or()
		c.expect(")")
		return v
	case t == "-":
		f, _ := toFloat(c.unary())
		return -f
	case strings.HasPrefix(t, `"`):
		return strings.Trim(t, `"`)
	case c.peek() == "(":
		return c.function(t)
	case t == "ok":
		return len(c.run.failed) == 0
	case t == "count":
		return int64(len(c.rows))
	case t == "true", t == "false":
		return t == "true"
	case t == "null":
		return nil
	}
	if f, err := strconv.ParseFloat(t, 64); err == nil {
		return f
	}
	if !strings.Contains(t, ".") {
		return t // the name of a type
	}
	v, _ := c.path(t)
	return v
}

// function evaluates not, has, type, contains, width and count.
func (c *checker) function(name string) any {
	c.expect("(")
	defer c.expect(")")
	switch name {
	case "not":
		return c.or() != true
	case "has":
		t := c.next()
		_, name, _ := strings.Cut(t, ".")
		_, ok := c.path(t)
		return ok && !systemFields[strings.ToLower(name)]
	case "type":
		v, _ := c.path(c.next())
		return treeType(v)
	case "contains":
		v := c.or()
		c.expect(",")
		part, _ := c.or().(string)
		return strings.Contains(text(v), part)
	case "width":
		some, why := selectRows(c.next(), c.rows)
		if why != "" || len(some) == 0 {
			return int64(-1)
		}
		return int64(len(some[0].names))
	case "count":
		return c.countWhere()
	}
	c.err = fmt.Errorf("no function %s", name)
	return nil
}

// countWhere counts the rows for which the condition holds.
func (c *checker) countWhere() any {
	c.expect("where")
	from, was, n, end := c.at, c.current, int64(0), c.at
	if len(c.rows) == 0 {
		for c.at < len(c.tokens) && c.peek() != ")" {
			c.at++
		}
		return n
	}
	for i := range c.rows {
		c.at, c.current = from, &c.rows[i]
		if c.or() == true {
			n++
		}
		end = c.at
	}
	c.at, c.current = end, was
	return n
}

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return show(v)
}

// path finds row.x, row[i].x or step[i].x.
func (c *checker) path(t string) (any, bool) {
	place, name, ok := strings.Cut(t, ".")
	if !ok {
		return nil, false
	}
	if place == "row" && c.current != nil {
		return c.current.cell(name)
	}
	some, why := selectRows(place, c.rows)
	if strings.HasPrefix(place, "step") {
		some, why = selectRows(place, c.run.rows)
	}
	if why != "" || len(some) == 0 {
		return nil, false
	}
	return some[0].cell(name)
}

func treeType(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case int64:
		return "integer"
	case float64, decimal:
		return "float"
	case string:
		return "string"
	case bool:
		return "boolean"
	case []any:
		return "array"
	}
	return "map"
}
