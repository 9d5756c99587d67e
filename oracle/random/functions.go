package random

// function is an operator or function that both engines have: its templates and the kinds of its operands.
type function struct {
	leat, duck string // duck "" is the same text
	args       []Kind
}

func f(text string, args ...Kind) function { return function{text, "", args} }

func ff(leat, duck string, args ...Kind) function { return function{leat, duck, args} }

// functions are those that give a kind. Operands that one of the engines refuses (zero to divide by, roots of numbers
// below zero) are kept away by what stands around them.
var functions = [kinds][]function{
	Int: {
		f("($1 + $2)", Int, Int), f("($1 - $2)", Int, Int), f("($1 * 3)", Int), f("($1 % 5)", Int), f("(-$1)", Int),
		ff("($1 / 4)", "($1 // 4)", Int), ff("($1 / NULLIF($2, 0))", "($1 // NULLIF($2, 0))", Int, Int),
		f("($1 % NULLIF($2, 0))", Int, Int), f("ABS($1)", Int), f("SIGN($1)", Int), f("SIGN($1)", Double),
		f("LENGTH($1)", Text), f("INSTR($1, 'b')", Text), f("COALESCE($1, $2)", Int, Int),
		f("NULLIF($1, $2)", Int, Int), f("GREATEST($1, $2)", Int, Int), f("LEAST($1, $2, 7)", Int, Int),
		f("CASE WHEN $1 THEN $2 ELSE $3 END", Bool, Int, Int), f("CASE WHEN $1 THEN $2 WHEN $3 THEN $4 END", Bool, Int, Bool, Int),
		f("CASE $1 WHEN 1 THEN $2 WHEN 2 THEN 5 END", Int, Int), f("CASE $1 WHEN 'a' THEN $2 ELSE 0 END", Text, Int),
		f("IF($1, $2, $3)", Bool, Int, Int), ff("CAST($1 AS BIGINT)", "CAST(TRUNC($1) AS BIGINT)", Double),
		ff("CAST($1 AS BIGINT)", "CAST(TRUNC($1) AS BIGINT)", Decimal), f("YEAR($1)", Date), f("MONTH($1)", Date),
		f("DAY($1)", Date), f("DAYOFYEAR($1)", Date), f("WEEK($1)", Date), f("QUARTER($1)", Time), f("HOUR($1)", Time),
		f("MINUTE($1)", Time), f("SECOND($1)", Time), f("EXTRACT(DOW FROM $1)", Date), ff("DAYOFWEEK($1)", "(DAYOFWEEK($1) + 1)", Date),
		f("EXTRACT(YEAR FROM $1)", Time), ff("DATEDIFF($1, $2)", "($1 - $2)", Date, Date),
		ff("UNIX_TIMESTAMP($1)", "epoch_ms($1)", Time), ff("UNIX_DATE($1)", "($1 - DATE '1970-01-01')", Date),
		ff("ARRAY[$1, $2, 3][2]", "[$1, $2, 3][2]", Int, Int), ff("ARRAY_LENGTH(ARRAY[$1, $2])", "len([$1, $2])", Int, Int),
		ff("STRUCT(f := $1, g := 'x')->f", "struct_pack(f := $1, g := 'x').f", Int),
		ff("ARRAY_MAX(ARRAY[$1, $2])", "list_max([$1, $2])", Int, Int),
		ff("ARRAY_SORT(ARRAY[$1, $2, 4])[1]", "list_sort([$1, $2, 4], 'ASC', 'NULLS LAST')[1]", Int, Int),
		f("CAST(CAST($1 AS VARCHAR) AS BIGINT)", Int), ff("TRY_CAST($1 AS INT)", "TRY_CAST($1 AS INT)", Text),
	},
	Double: {
		f("($1 + $2)", Double, Double), f("($1 - $2)", Double, Double), f("($1 * $2)", Double, Double),
		f("($1 / NULLIF($2, 0e0))", Double, Double), f("($1 + $2)", Double, Int), f("($1 * $2)", Int, Double),
		f("($1 + $2)", Double, Decimal), f("CAST($1 AS DOUBLE)", Int), f("CAST($1 AS DOUBLE)", Decimal), f("ABS($1)", Double),
		f("FLOOR($1)", Double), f("CEIL($1)", Double), f("SQRT(ABS($1))", Double), f("LN(ABS($1) + 1e0)", Double),
		f("POWER($1, 2)", Double), f("COALESCE($1, $2)", Double, Double), f("GREATEST($1, $2)", Double, Double),
		f("CASE WHEN $1 THEN $2 ELSE $3 END", Bool, Double, Double), f("CASE WHEN $1 THEN $2 ELSE $3 END", Bool, Double, Int),
		f("NULLIF($1, $2)", Double, Double), f("(-$1)", Double), f("SIN($1)", Double), f("ATAN2($1, $2)", Double, Double),
	},
	Decimal: {
		f("($1 + $2)", Decimal, Decimal), f("($1 - $2)", Decimal, Decimal), f("($1 * 1.5)", Decimal), f("(-$1)", Decimal),
		f("($1 + $2)", Decimal, Int), f("($1 % 3)", Decimal), f("ABS($1)", Decimal), f("COALESCE($1, $2)", Decimal, Decimal),
		f("CASE WHEN $1 THEN $2 ELSE $3 END", Bool, Decimal, Decimal), f("CASE WHEN $1 THEN $2 ELSE 1.125 END", Bool, Decimal),
		f("CAST($1 AS DECIMAL(18,2))", Int), f("CAST($1 AS DECIMAL(18,1))", Decimal), f("NULLIF($1, $2)", Decimal, Decimal),
		f("GREATEST($1, $2)", Decimal, Decimal), f("LEAST($1, $2)", Decimal, Decimal), f("FLOOR($1)", Decimal), f("CEIL($1)", Decimal),
		f("CAST(CAST($1 AS VARCHAR) AS DECIMAL(18,2))", Decimal),
	},
	Text: {
		f("($1 || $2)", Text, Text), f("CONCAT($1, $2, 'z')", Text, Text), f("CONCAT_WS('-', $1, $2)", Text, Text),
		f("UPPER($1)", Text), f("LOWER($1)", Text), f("TRIM($1)", Text), f("SUBSTRING($1, 2, 3)", Text), f("SUBSTRING($1, 2)", Text),
		f("LEFT($1, 2)", Text), f("RIGHT($1, 2)", Text), f("REPLACE($1, 'a', 'bb')", Text), f("LPAD($1, 4, '*')", Text),
		f("RPAD($1, 3, '+-')", Text), f("SPLIT_PART($1, 'b', 1)", Text), f("SPLIT_PART($1, ' ', 2)", Text),
		f("CAST($1 AS VARCHAR)", Int), f("CAST($1 AS VARCHAR)", Decimal), f("CAST($1 AS VARCHAR)", Date), f("CAST($1 AS VARCHAR)", Bool),
		f("COALESCE($1, $2)", Text, Text), f("NULLIF($1, $2)", Text, Text), f("CASE WHEN $1 THEN $2 ELSE $3 END", Bool, Text, Text),
		f("CASE $1 WHEN TRUE THEN $2 END", Bool, Text), f("GREATEST($1, $2)", Text, Text), f("MD5($1)", Text),
		ff("REGEXP_REPLACE($1, '[ab]', 'x')", "REGEXP_REPLACE($1, '[ab]', 'x', 'g')", Text),
		f("COALESCE(REGEXP_EXTRACT($1, 'a(.)', 1), '')", Text), ff("FORMAT_DATE($1, 'yyyy-MM-dd')", "strftime($1, '%Y-%m-%d')", Date),
		ff("FORMAT_TIMESTAMP($1, 'HH:mm:ss')", "strftime($1, '%H:%M:%S')", Time),
	},
	Bool: {
		f("($1 = $2)", Int, Int), f("($1 <> $2)", Int, Int), f("($1 < $2)", Int, Int), f("($1 >= $2)", Int, Int),
		f("($1 > $2)", Double, Double), f("($1 <= $2)", Double, Int), f("($1 < $2)", Decimal, Decimal), f("($1 >= $2)", Decimal, Int),
		f("($1 = $2)", Text, Text), f("($1 < $2)", Text, Text), f("($1 = $2)", Bool, Bool), f("($1 < $2)", Date, Date),
		f("($1 >= $2)", Time, Time), f("($1 AND $2)", Bool, Bool), f("($1 OR $2)", Bool, Bool), f("(NOT $1)", Bool),
		f("($1 IS NULL)", Int), f("($1 IS NOT NULL)", Text), f("($1 IS NULL)", Bool), f("($1 BETWEEN $2 AND $3)", Int, Int, Int),
		f("($1 NOT BETWEEN $2 AND $3)", Int, Int, Int), f("($1 IN (1, 3, 5))", Int), f("($1 NOT IN (2, 4))", Int),
		f("($1 IN ('a', 'b', 'ab'))", Text), f("($1 NOT IN ('a', ''))", Text), f("($1 LIKE '%a_')", Text), f("($1 LIKE 'b%')", Text),
		f("($1 NOT LIKE '%b%')", Text), f("($1 IS DISTINCT FROM $2)", Int, Int), f("($1 IS NOT DISTINCT FROM $2)", Text, Text),
		f("COALESCE($1, $2)", Bool, Bool), f("CASE WHEN $1 THEN $2 ELSE $3 END", Bool, Bool, Bool), f("($1 IS TRUE)", Bool),
		f("($1 IN (1.5, 2.25))", Decimal), ff("(ARRAY[$1, 2] = ARRAY[1, $2])", "([$1, 2] = [1, $2])", Int, Int),
	},
	Date: {
		ff("($1 + INTERVAL '3' DAY)", "CAST($1 + INTERVAL '3' DAY AS DATE)", Date),
		ff("DATEADD(MONTHS, 1, $1)", "CAST($1 + INTERVAL 1 MONTH AS DATE)", Date),
		ff("DATESUB(DAYS, 40, $1)", "CAST($1 - INTERVAL 40 DAY AS DATE)", Date), f("CAST($1 AS DATE)", Time),
		ff("DATE_TRUNC('month', $1)", "CAST(DATE_TRUNC('month', $1) AS DATE)", Date), f("COALESCE($1, $2)", Date, Date),
		f("CASE WHEN $1 THEN $2 ELSE $3 END", Bool, Date, Date), f("GREATEST($1, $2)", Date, Date), f("CAST(CAST($1 AS VARCHAR) AS DATE)", Date),
	},
	Time: {
		f("($1 + INTERVAL '90' MINUTE)", Time), f("($1 - INTERVAL '2' DAY)", Time),
		ff("TIMESTAMPADD(HOURS, 3, $1)", "($1 + INTERVAL 3 HOUR)", Time), f("DATE_TRUNC('hour', $1)", Time),
		f("CAST($1 AS TIMESTAMP)", Date), f("COALESCE($1, $2)", Time, Time), f("CASE WHEN $1 THEN $2 ELSE $3 END", Bool, Time, Time),
		f("LEAST($1, $2)", Time, Time), ff("FROM_UNIXTIME($1 * 1000)", "make_timestamp_ms($1 * 1000)", Int),
	},
}

// aggregates are those that give a kind. Those of squares take plain columns: they lose digits.
var aggregates = [kinds][]function{
	Int: {
		f("COUNT(*)"), f("COUNT($1)", Int), f("COUNT($1)", Text), f("COUNT(DISTINCT $1)", Int), f("COUNT(DISTINCT $1)", Text),
		f("SUM($1)", Int), f("SUM(DISTINCT $1)", Int), f("MIN($1)", Int), f("MAX($1)", Int), f("COUNT(DISTINCT $1)", Decimal),
	},
	Double: {
		f("SUM($1)", Double), f("AVG($1)", Double), f("AVG($1)", Int), f("MIN($1)", Double), f("MAX($1)", Double),
		f("CAST(AVG($1) AS DOUBLE)", Decimal), f("MEDIAN($1)", Int), f("AVG(DISTINCT $1)", Int),
	},
	Decimal: {f("SUM($1)", Decimal), f("MIN($1)", Decimal), f("MAX($1)", Decimal)},
	Text:    {f("MIN($1)", Text), f("MAX($1)", Text)},
	Bool:    {f("BOOL_AND($1)", Bool), f("BOOL_OR($1)", Bool)},
	Date:    {f("MIN($1)", Date), f("MAX($1)", Date)},
	Time:    {f("MIN($1)", Time), f("MAX($1)", Time)},
}

// squares take columns alone.
var squares = []string{"STDDEV_SAMP", "STDDEV_POP", "VAR_SAMP", "VAR_POP"}
