package nexmark

import (
	"fmt"
	"slices"
	"strings"
)

// Query is one query of the benchmark.
type Query struct {
	Name string // q0 to q22
	SQL  string // SELECT without a semicolon
	Does string // what it needs
	// Key lists the columns that identify a row of the final answer; nil: rows are a multiset.
	Key []string
	// Floor is the least number of events a CPU second that Leat promises, 0: none.
	Floor int
}

// Declarations are the streams of the benchmark; %s is replaced by what follows WITH ( for each of them.
var declarations = [...]string{
	Person: `CREATE STREAM person (id BIGINT, name STRING, email_address STRING, credit_card STRING, city STRING,
  state STRING, date_time BIGINT, extra STRING) WITH (%sevent_time = 'date_time', watermark = '4s');`,
	Auction: `CREATE STREAM auction (id BIGINT, item_name STRING, description STRING, initial_bid BIGINT,
  reserve BIGINT, date_time BIGINT, expires BIGINT, seller BIGINT, category BIGINT, extra STRING)
  WITH (%sevent_time = 'date_time', watermark = '4s');`,
	Bid: `CREATE STREAM bid (auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING,
  date_time BIGINT, extra STRING) WITH (%sevent_time = 'date_time', watermark = '4s');`,
}

// SideInput declares the table of q13, rows (i, 'i') for i below 10,000.
const sideInput = `CREATE TABLE side_input (key BIGINT PRIMARY KEY, value STRING) WITH (%sformat = 'csv');`

// Declare returns the statements that declare person, auction, bid and side_input. with gives the properties of a
// name: "path = 'bid.json', ".
func Declare(with func(name string) string) string {
	var out strings.Builder
	for k, d := range declarations {
		fmt.Fprintf(&out, d+"\n", with(Kind(k).String()))
	}
	fmt.Fprintf(&out, sideInput+"\n", with("side_input"))
	return out.String()
}

const won = `FROM auction a JOIN bid b ON a.id = b.auction WHERE b.date_time BETWEEN a.date_time AND a.expires`

const bidCounts = `COUNT(*) AS total_bids,
  COUNT(*) FILTER (WHERE price < 10000) AS rank1_bids,
  COUNT(*) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_bids,
  COUNT(*) FILTER (WHERE price >= 1000000) AS rank3_bids`

const distinctCounts = `COUNT(DISTINCT bidder) AS total_bidders,
  COUNT(DISTINCT bidder) FILTER (WHERE price < 10000) AS rank1_bidders,
  COUNT(DISTINCT bidder) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_bidders,
  COUNT(DISTINCT bidder) FILTER (WHERE price >= 1000000) AS rank3_bidders,
  COUNT(DISTINCT auction) AS total_auctions,
  COUNT(DISTINCT auction) FILTER (WHERE price < 10000) AS rank1_auctions,
  COUNT(DISTINCT auction) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_auctions,
  COUNT(DISTINCT auction) FILTER (WHERE price >= 1000000) AS rank3_auctions`

// Queries returns q0 to q22.
func Queries() []Query { return slices.Clone(queries) }

var queries = []Query{
	{
		Name:  "q0",
		Floor: 1_000_000,
		Does:  "projection",
		SQL:   `SELECT auction, bidder, price, date_time, extra FROM bid`,
	},
	{
		Name:  "q1",
		Floor: 1_000_000,
		Does:  "exact decimals",
		SQL:   `SELECT auction, bidder, 0.908 * price AS price, date_time, extra FROM bid`,
	},
	{
		Name:  "q2",
		Floor: 1_000_000,
		Does:  "filter",
		SQL:   `SELECT auction, price FROM bid WHERE MOD(auction, 123) = 0`,
	},
	{Name: "q3", Floor: 300_000, Does: "unbounded join", SQL: `SELECT p.name, p.city, p.state, a.id
FROM auction a JOIN person p ON a.seller = p.id
WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA')`},
	{
		Name:  "q4",
		Floor: 100_000,
		Does:  "aggregate over an updating aggregate of a join",
		Key:   []string{"category"},
		SQL: `SELECT category, CAST(FLOOR(AVG(final)) AS BIGINT) AS final
FROM (SELECT a.id, a.category, MAX(b.price) AS final ` + won + ` GROUP BY a.id, a.category)
GROUP BY category`,
	},
	{
		Name:  "q5",
		Floor: 150_000,
		Does:  "sliding window, maximum over a window's groups",
		Key:   []string{"auction", "window_start"},
		SQL: `SELECT auction, num, window_start
FROM (SELECT auction, window_start, COUNT(*) AS num, MAX(COUNT(*)) OVER (PARTITION BY window_start) AS most
  FROM bid GROUP BY auction WINDOW SLIDING(10s, 2s))
WHERE num = most`,
	},
	{
		Name: "q6",
		Does: "moving average over an updating top-1",
		SQL: `SELECT seller, date_time, CAST(FLOOR(AVG(price) OVER (PARTITION BY seller ORDER BY date_time, id
  ROWS BETWEEN 10 PRECEDING AND CURRENT ROW)) AS BIGINT) AS avg_price
FROM (SELECT a.id, a.seller, b.price, b.date_time,
    ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.date_time) AS n ` + won + `)
WHERE n = 1`,
	},
	{
		Name:  "q7",
		Floor: 500_000,
		Does:  "rank in a window, by a table function",
		SQL: `SELECT auction, price, bidder, date_time, extra
FROM (SELECT *, RANK() OVER (PARTITION BY window_start ORDER BY price DESC) AS r FROM TUMBLE(bid, 10s))
WHERE r = 1`,
	},
	{Name: "q8", Floor: 300_000, Does: "join of two windowed streams", SQL: `SELECT p.id, p.name, p.window_start
FROM (SELECT id, name, window_start FROM person GROUP BY id, name WINDOW TUMBLING(10s)) p
JOIN (SELECT seller, window_start FROM auction GROUP BY seller WINDOW TUMBLING(10s)) a
ON p.id = a.seller AND p.window_start = a.window_start`},
	{
		Name:  "q9",
		Floor: 80_000,
		Does:  "join, top-1 with retraction, wide rows",
		Key:   []string{"id"},
		SQL: `SELECT id, item_name, description, initial_bid, reserve, date_time, expires, seller, category, extra,
  auction, bidder, price, bid_date_time, bid_extra
FROM (SELECT a.id, a.item_name, a.description, a.initial_bid, a.reserve, a.date_time, a.expires, a.seller,
    a.category, a.extra, b.auction, b.bidder, b.price, b.date_time AS bid_date_time, b.extra AS bid_extra,
    ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.date_time) AS n ` + won + `)
WHERE n = 1`,
	},
	{
		Name: "q10",
		Does: "file sink, parts by time",
		SQL: `SELECT auction, bidder, price, date_time, extra, FORMAT_TIME(date_time, 'yyyy-MM-dd') AS dt,
  FORMAT_TIME(date_time, 'HH:mm') AS hm
FROM bid`,
	},
	{
		Name: "q11",
		Does: "session window",
		Key:  []string{"bidder", "window_start"},
		SQL: `SELECT bidder, COUNT(*) AS bid_count, window_start, window_end
FROM bid GROUP BY bidder WINDOW SESSION(10s)`,
	},
	{
		Name: "q12",
		Does: "window by the broker's append time",
		Key:  []string{"bidder", "window_start"},
		SQL: `SELECT bidder, COUNT(*) AS bid_count, window_start, window_end
FROM bid GROUP BY bidder WINDOW TUMBLING(10s) ON PROCESSING TIME`,
	},
	{Name: "q13", Does: "stream-table join", SQL: `SELECT b.auction, b.bidder, b.price, b.date_time, s.value
FROM bid b JOIN side_input s ON MOD(b.auction, 10000) = s.key`},
	{Name: "q14", Does: "CASE, functions of time and text", SQL: `SELECT auction, bidder, 0.908 * price AS price,
  CASE WHEN HOUR(date_time) BETWEEN 8 AND 18 THEN 'dayTime'
    WHEN HOUR(date_time) <= 6 OR HOUR(date_time) >= 20 THEN 'nightTime' ELSE 'otherTime' END AS bid_time_type,
  date_time, extra, LENGTH(extra) - LENGTH(REPLACE(extra, 'c', '')) AS c_counts
FROM bid WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000`},
	{
		Name:  "q15",
		Floor: 300_000,
		Does:  "twelve aggregates with FILTER and DISTINCT on one hot key",
		Key:   []string{"day"},
		SQL: `SELECT FORMAT_TIME(date_time, 'yyyy-MM-dd') AS day, ` + bidCounts + `,
  ` + distinctCounts + `
FROM bid GROUP BY day`,
	},
	{
		Name: "q16",
		Does: "the same on many keys",
		Key:  []string{"channel", "day"},
		SQL: `SELECT channel, FORMAT_TIME(date_time, 'yyyy-MM-dd') AS day,
  MAX(FORMAT_TIME(date_time, 'HH:mm')) AS minute,
  ` + bidCounts + `,
  ` + distinctCounts + `
FROM bid GROUP BY channel, day`,
	},
	{
		Name: "q17",
		Does: "unbounded aggregate",
		Key:  []string{"auction", "day"},
		SQL: `SELECT auction, FORMAT_TIME(date_time, 'yyyy-MM-dd') AS day, ` + bidCounts + `,
  MIN(price) AS min_price, MAX(price) AS max_price, CAST(FLOOR(AVG(price)) AS BIGINT) AS avg_price,
  SUM(price) AS sum_price
FROM bid GROUP BY auction, day`,
	},
	{
		Name: "q18",
		Does: "keep the last row of a key",
		Key:  []string{"bidder", "auction"},
		SQL: `SELECT auction, bidder, price, channel, url, date_time, extra
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder, auction ORDER BY date_time DESC) AS n FROM bid)
WHERE n = 1`,
	},
	{Name: "q19", Does: "top-10 with retraction", SQL: `SELECT *
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC, date_time) AS rank_number FROM bid)
WHERE rank_number <= 10`},
	{
		Name:  "q20",
		Floor: 150_000,
		Does:  "unbounded join, wide rows",
		SQL: `SELECT b.auction, b.bidder, b.price, b.channel, b.url, b.date_time, b.extra, a.item_name, a.description,
  a.initial_bid, a.reserve, a.date_time AS auction_date_time, a.expires, a.seller, a.category, a.extra AS auction_extra
FROM bid b JOIN auction a ON b.auction = a.id WHERE a.category = 10`,
	},
	{Name: "q21", Does: "regular expression", SQL: `SELECT auction, bidder, price, channel, channel_id
FROM (SELECT auction, bidder, price, channel, CASE LOWER(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1'
    WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3'
    ELSE REGEXP_EXTRACT(url, '(&|^)channel_id=([^&]*)', 2) END AS channel_id FROM bid)
WHERE channel_id IS NOT NULL`},
	{
		Name: "q22",
		Does: "text function",
		SQL: `SELECT auction, bidder, price, channel, SPLIT_PART(url, '/', 4) AS dir1, SPLIT_PART(url, '/', 5) AS dir2,
  SPLIT_PART(url, '/', 6) AS dir3
FROM bid`,
	},
}
