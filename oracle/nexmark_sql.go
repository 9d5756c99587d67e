package oracle

const won = `FROM auction a JOIN bid b ON a.id = b.auction WHERE b.date_time BETWEEN a.date_time AND a.expires`

const day = `strftime(to_timestamp(date_time // 1000) AT TIME ZONE 'UTC', '%Y-%m-%d')`

const minute = `strftime(to_timestamp(date_time // 1000) AT TIME ZONE 'UTC', '%H:%M')`

const hour = `((date_time // 3600000) % 24)`

const bidCounts = `COUNT(*), COUNT(*) FILTER (price < 10000), COUNT(*) FILTER (price >= 10000 AND price < 1000000),
  COUNT(*) FILTER (price >= 1000000)`

const distinctCounts = `COUNT(DISTINCT bidder), COUNT(DISTINCT bidder) FILTER (price < 10000),
  COUNT(DISTINCT bidder) FILTER (price >= 10000 AND price < 1000000), COUNT(DISTINCT bidder) FILTER (price >= 1000000),
  COUNT(DISTINCT auction), COUNT(DISTINCT auction) FILTER (price < 10000),
  COUNT(DISTINCT auction) FILTER (price >= 10000 AND price < 1000000), COUNT(DISTINCT auction) FILTER (price >= 1000000)`

// NexmarkSQL is the queries of Nexmark in DuckDB's SQL, written from their meaning; q12 has no fixed answer: its counts
// add up.
var NexmarkSQL = map[string]string{
	"q0": `SELECT auction, bidder, price, date_time, extra FROM bid`,
	"q1": `SELECT auction, bidder, 0.908 * price, date_time, extra FROM bid`,
	"q2": `SELECT auction, price FROM bid WHERE auction % 123 = 0`,
	"q3": `SELECT p.name, p.city, p.state, a.id FROM auction a JOIN person p ON a.seller = p.id
		WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA')`,
	"q4": `SELECT category, (SUM(final) // COUNT(*))::BIGINT FROM (SELECT a.id, a.category, MAX(b.price) AS final ` + won +
		` GROUP BY a.id, a.category) GROUP BY category`,
	"q5": `WITH c AS (SELECT auction, date_time - date_time % 2000 - i * 2000 AS ws, COUNT(*) AS num
		FROM bid, range(5) AS r(i) GROUP BY ALL)
		SELECT auction, num, ws FROM c QUALIFY num = MAX(num) OVER (PARTITION BY ws)`,
	"q6": `WITH w AS (SELECT a.id, a.seller, b.price, b.date_time ` + won + `
		QUALIFY ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.date_time) = 1)
		SELECT seller, date_time, (SUM(price) OVER v // COUNT(*) OVER v)::BIGINT FROM w
		WINDOW v AS (PARTITION BY seller ORDER BY date_time, id ROWS BETWEEN 10 PRECEDING AND CURRENT ROW)`,
	"q7": `SELECT auction, price, bidder, date_time, extra FROM bid
		QUALIFY RANK() OVER (PARTITION BY date_time // 10000 ORDER BY price DESC) = 1`,
	"q8": `SELECT DISTINCT p.id, p.name, p.date_time - p.date_time % 10000 FROM person p JOIN auction a
		ON p.id = a.seller AND p.date_time // 10000 = a.date_time // 10000`,
	"q9": `SELECT a.id, a.item_name, a.description, a.initial_bid, a.reserve, a.date_time, a.expires, a.seller, a.category,
		a.extra, b.auction, b.bidder, b.price, b.date_time, b.extra ` + won + `
		QUALIFY ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.date_time) = 1`,
	"q10": `SELECT auction, bidder, price, date_time, extra, ` + day + `, ` + minute + ` FROM bid`,
	"q11": `WITH f AS (SELECT bidder, date_time, CASE WHEN date_time - LAG(date_time) OVER v < 10000 THEN 0 ELSE 1 END AS first
		FROM bid WINDOW v AS (PARTITION BY bidder ORDER BY date_time)),
		s AS (SELECT bidder, date_time, SUM(first) OVER (PARTITION BY bidder ORDER BY date_time) AS session FROM f)
		SELECT bidder, COUNT(*), MIN(date_time), MAX(date_time) + 10000 FROM s GROUP BY bidder, session`,
	"q12": `SELECT bidder, COUNT(*) FROM bid GROUP BY bidder`,
	"q13": `SELECT b.auction, b.bidder, b.price, b.date_time, (b.auction % 10000)::VARCHAR FROM bid b`,
	"q14": `SELECT auction, bidder, 0.908 * price, CASE WHEN ` + hour + ` BETWEEN 8 AND 18 THEN 'dayTime'
		WHEN ` + hour + ` <= 6 OR ` + hour + ` >= 20 THEN 'nightTime' ELSE 'otherTime' END, date_time, extra,
		LENGTH(extra) - LENGTH(REPLACE(extra, 'c', '')) FROM bid
		WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000`,
	"q15": `SELECT ` + day + ` AS d, ` + bidCounts + `, ` + distinctCounts + ` FROM bid GROUP BY d`,
	"q16": `SELECT channel, ` + day + ` AS d, MAX(` + minute + `), ` + bidCounts + `, ` + distinctCounts + `
		FROM bid GROUP BY channel, d`,
	"q17": `SELECT auction, ` + day + ` AS d, ` + bidCounts + `, MIN(price), MAX(price), (SUM(price) // COUNT(*))::BIGINT,
		SUM(price) FROM bid GROUP BY auction, d`,
	"q18": `SELECT auction, bidder, price, channel, url, date_time, extra FROM bid
		QUALIFY ROW_NUMBER() OVER (PARTITION BY bidder, auction ORDER BY date_time DESC) = 1`,
	"q19": `SELECT auction, bidder, price, channel, url, date_time, extra,
		ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC, date_time) AS n FROM bid QUALIFY n <= 10`,
	"q20": `SELECT b.auction, b.bidder, b.price, b.channel, b.url, b.date_time, b.extra, a.item_name, a.description,
		a.initial_bid, a.reserve, a.date_time, a.expires, a.seller, a.category, a.extra
		FROM bid b JOIN auction a ON b.auction = a.id WHERE a.category = 10`,
	"q21": `SELECT auction, bidder, price, channel, id FROM (SELECT *, CASE lower(channel) WHEN 'apple' THEN '0'
		WHEN 'google' THEN '1' WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3'
		ELSE NULLIF(regexp_extract(url, '(&|^)channel_id=([^&]*)', 2), '') END AS id FROM bid) WHERE id IS NOT NULL`,
	"q22": `SELECT auction, bidder, price, channel, split_part(url, '/', 4), split_part(url, '/', 5), split_part(url, '/', 6)
		FROM bid`,
}

// NexmarkRows are the numbers of rows for 100,000 events of seed 1 at rate 1,000.
var NexmarkRows = map[string]int{
	"q0": 92000, "q1": 92000, "q2": 392, "q3": 530, "q4": 5, "q5": 56, "q6": 5585, "q7": 10, "q8": 299, "q9": 5585,
	"q10": 92000, "q11": 2896, "q13": 92000, "q14": 26008, "q15": 1, "q16": 9913, "q17": 5993, "q18": 28351,
	"q19": 44046, "q20": 15094, "q21": 87204, "q22": 92000,
}
