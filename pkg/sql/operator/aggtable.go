package operator

import "github.com/leatsql/leat/pkg/sql/vector"

// aggFuncs is the table of aggregates, in the order of the manual.
var aggFuncs = []aggFunc{
	{
		AggDoc{
			"COUNT", nil, "COUNT(*) | COUNT(x) | COUNT(DISTINCT x)",
			"Number of rows, or of rows in which x is not null; 0 where there are none.", "BIGINT", true, true,
		}, 0, 1, planCount,
	},
	{
		AggDoc{
			"COUNT_DISTINCT", nil, "COUNT_DISTINCT(x)",
			"Number of different values of x that are not null.", "BIGINT", true, false,
		}, 1, 1, planCountDistinct,
	},
	{
		AggDoc{
			"APPROX_COUNT_DISTINCT",
			[]string{"APPROX_DISTINCT"},
			"APPROX_COUNT_DISTINCT(x)",
			"Estimated number of different values of x (HyperLogLog of 4 KB, standard error 1.6 %); exact up to 256.",
			"BIGINT", false, false,
		}, 1, 1, planApproxCount,
	},
	{
		AggDoc{
			"SUM", nil, "SUM(x) | SUM(DISTINCT x)",
			"Sum of x; null where there is no value (ksql: 0). Integers and decimals are exact.",
			"BIGINT of integers, DECIMAL(38, s) of DECIMAL(p, s), else DOUBLE (ksql: the type of x)", true, true,
		}, 1, 1, planSum,
	},
	{
		AggDoc{
			"AVG",
			[]string{"MEAN"},
			"AVG(x) | AVG(DISTINCT x)",
			"Mean of x; null where there is no value (ksql: 0). Of decimals a decimal, rounded half up.",
			"DECIMAL(38, max(s, 16)) of DECIMAL(p, s), else DOUBLE (ksql: DOUBLE)", true, true,
		}, 1, 1, planAvg,
	},
	one("MIN", "Least value of x; strings are ordered by their UTF-8 bytes.", planExtreme(kindMin, ordMin)),
	one("MAX", "Greatest value of x; strings are ordered by their UTF-8 bytes.", planExtreme(kindMax, ordMax)),
	pick("FIRST_VALUE", "that came first in the log", planPick(kindFirst, listFirst, false),
		"FIRST", "EARLIEST_BY_OFFSET", "ANY_VALUE"),
	pick("LAST_VALUE", "that came last in the log", planPick(kindLast, listLast, false), "LAST", "LATEST_BY_OFFSET"),
	one("EARLIEST", "Value of x with the least event time; of equal times the one first in the log.",
		planPick(kindEarliest, listFirst, true)),
	one("LATEST", "Value of x with the greatest event time; of equal times the one last in the log.",
		planPick(kindLatest, listLast, true)),
	arg("ARG_MIN", "least", planArg(false), "MIN_BY"),
	arg("ARG_MAX", "greatest", planArg(true), "MAX_BY"),
	{
		AggDoc{
			"ATTR", nil, "ATTR(x)", "The value of x if all rows have the same, else null; null counts as a value.",
			"the type of x", false, true,
		}, 1, 1, planSet(setAttr),
	},
	one("MODE", "Most frequent value of x; of equally frequent ones the least.", planSet(setMode)),
	one("BOOL_AND", "True if x is true in all rows in which it is not null.", planBool(kindMin, ordMin), "EVERY"),
	one("BOOL_OR", "True if x is true in a row.", planBool(kindMax, ordMax), "SOME"),
	{
		AggDoc{
			"COLLECT_LIST",
			[]string{"ARRAY_AGG"},
			"COLLECT_LIST(x)",
			"The values of x in the order of the log, nulls too, up to a limit.", "ARRAY of the type of x", true, true,
		}, 1, 1, planList,
	},
	{
		AggDoc{
			"COLLECT_SET", nil, "COLLECT_SET(x)",
			"The different values of x in the order in which they came first, null too, up to a limit.",
			"ARRAY of the type of x", false, false,
		}, 1, 1, planSet(setList),
	},
	{
		AggDoc{
			"HISTOGRAM", nil, "HISTOGRAM(s)", "How often each string is there; of the first 1000 different ones.",
			"MAP<STRING, BIGINT>", true, true,
		}, 1, 1, planSet(setMap),
	},
	{
		AggDoc{
			"STRING_AGG",
			[]string{"LISTAGG", "GROUP_CONCAT"},
			"STRING_AGG(x[, separator])",
			"The texts of x in the order of the log, with the separator (a comma) between them; null of no values.",
			"STRING", true, false,
		}, 1, 2, planText,
	},
	{
		AggDoc{
			"TOPK", nil, "TOPK(x[, c, ...], k)",
			"The k greatest values of x, greatest first; with further columns structs of them.",
			"ARRAY of the type of x, or ARRAY<STRUCT<sort_col, col0, ...>>", true, false,
		}, 2, 9, planTop(rankTop),
	},
	{
		AggDoc{
			"TOPKDISTINCT", nil, "TOPKDISTINCT(x, k)", "The k greatest different values of x, greatest first.",
			"ARRAY of the type of x", false, false,
		}, 2, 2, planTop(rankDistinct),
	},
	number1("MEDIAN", "Exact median of x; of an even number of values the mean of the two in the middle.", planMedian),
	percentile(
		"PERCENTILE_CONT",
		"Exact percentile p (0 to 1) of x, interpolated between the two nearest values. With p alone: "+
			"the point p of the scale from 0 to 100.",
		"DOUBLE",
		planPercentile(ordCont),
		"PERCENTILE",
		"QUANTILE_CONT",
	),
	percentile(
		"PERCENTILE_DISC",
		"Exact percentile p (0 to 1) of x: the first value whose share of the rows reaches p. "+
			"With p alone: the point p of the scale from 0 to 100.",
		"the type of x",
		planPercentile(ordDisc),
		"QUANTILE_DISC",
	),
	{
		AggDoc{
			"APPROX_PERCENTILE",
			[]string{"PERCENTILE_APPROX", "APPROX_QUANTILE"},
			"APPROX_PERCENTILE(x, p)",
			"Estimated percentile p (0 to 1) of x (DDSketch): within 1 % of the value of that rank.",
			"DOUBLE", true, false,
		}, 2, 2, planSketch,
	},
	spread("STDDEV_SAMP", "Sample standard deviation of x; null for fewer than two values (ksql: the variance, and 0).",
		planSpread(finStddevSamp, finVarSamp)),
	spread("STDDEV_SAMPLE", "Sample standard deviation of x; null for fewer than two values (ksql: 0).",
		planSpread(finStddevSamp, finStddevSamp), "STDDEV"),
	spread("STDDEV_POP", "Population standard deviation of x.", planSpread(finStddevPop, finStddevPop)),
	spread("VAR_SAMP", "Sample variance of x; null for fewer than two values (ksql: 0).",
		planSpread(finVarSamp, finVarSamp), "VARIANCE"),
	spread("VAR_POP", "Population variance of x.", planSpread(finVarPop, finVarPop)),
	pair("CORR", "Correlation of x and y; null where one of them does not vary (ksql: NaN).",
		planPair(ofRows(2, correlation), correlationOrNaN, vector.TDouble), "CORRELATION"),
	pair("COVAR_POP", "Population covariance of x and y.", planPair(covarPop, nil, vector.TDouble)),
	pair("COVAR_SAMP", "Sample covariance of x and y; null for fewer than two pairs.",
		planPair(covarSamp, nil, vector.TDouble), "COVAR"),
	regr("REGR_SLOPE", "Slope of the line of least squares through the pairs.", ofRows(2, regrSlope)),
	regr("REGR_INTERCEPT", "Value of that line at x = 0.", ofRows(2, regrIntercept)),
	regr("REGR_R2", "Share of the variance of y that the line explains.", ofRows(2, regrR2)),
	{
		AggDoc{"REGR_COUNT", nil, "REGR_COUNT(y, x)", "Number of pairs.", "BIGINT", true, false},
		2, 2, planPair(regrCount, nil, vector.TBigInt),
	},
	regr("REGR_AVGX", "Mean of x.", regrAvgX),
	regr("REGR_AVGY", "Mean of y.", regrAvgY),
	regr("REGR_SXX", "Sum of the squared deviations of x.", regrSXX),
	regr("REGR_SYY", "Sum of the squared deviations of y.", regrSYY),
	regr("REGR_SXY", "Sum of the products of the deviations.", regrSXY),
}

// one is a row whose result has the type of its argument.
func one(name, doc string, plan func(*aggCall) error, aliases ...string) aggFunc {
	return aggFunc{AggDoc{name, aliases, name + "(x)", doc, "the type of x", false, false}, 1, 1, plan}
}

// pick is a row of the aggregates that give one of the values by their place in the log, or the n first or last.
func pick(name, which string, plan func(*aggCall) error, aliases ...string) aggFunc {
	doc := "Value of x " + which + ", nulls passed over unless ignoreNulls is false; with n the n of them."
	return aggFunc{AggDoc{
		name, aliases, name + "(x[, n][, ignoreNulls])", doc,
		"the type of x; with n an ARRAY of it", false, false,
	}, 1, 3, plan}
}

func arg(name, which string, plan func(*aggCall) error, alias string) aggFunc {
	doc := "Value of x in the row with the " + which + " y; of equal ones the first in the log."
	return aggFunc{AggDoc{name, []string{alias}, name + "(x, y)", doc, "the type of x", false, false}, 2, 2, plan}
}

func number1(name, doc string, plan func(*aggCall) error) aggFunc {
	return aggFunc{AggDoc{name, nil, name + "(x)", doc, "DOUBLE", true, false}, 1, 1, plan}
}

func percentile(name, doc, result string, plan func(*aggCall) error, aliases ...string) aggFunc {
	return aggFunc{AggDoc{name, aliases, name + "(x, p) | " + name + "(p)", doc, result, true, false}, 1, 2, plan}
}

// spread is a row of the STDDEV family.
func spread(name, doc string, plan func(*aggCall) error, aliases ...string) aggFunc {
	return aggFunc{AggDoc{name, aliases, name + "(x)", doc, "DOUBLE", true, true}, 1, 1, plan}
}

func pair(name, doc string, plan func(*aggCall) error, aliases ...string) aggFunc {
	return aggFunc{AggDoc{name, aliases, name + "(x, y)", doc, "DOUBLE", true, true}, 2, 2, plan}
}

func regr(name, doc string, f momentFunc) aggFunc {
	doc += " Pairs with a null are passed over."
	return aggFunc{
		AggDoc{name, nil, name + "(y, x)", doc, "DOUBLE", true, false},
		2, 2, planPair(f, nil, vector.TDouble),
	}
}
