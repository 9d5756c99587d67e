package errcode

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// The codes that are not those of the SQL front end.
const (
	Internal   Code = "LEAT-1001"
	Usage      Code = "LEAT-2001"
	BadConfig  Code = "LEAT-2002"
	NotOpen    Code = "LEAT-2003"
	Timeout    Code = "LEAT-4001"
	Unreach    Code = "LEAT-4002"
	PortTaken  Code = "LEAT-4008"
	Cancelled  Code = "LEAT-4009"
	DataInUse  Code = "LEAT-5004"
	StoreFull  Code = "LEAT-5005"
	StoreBad   Code = "LEAT-5006"
	BadRow     Code = "LEAT-5200"
	LogWentOff Code = "LEAT-5301"
	Unhealthy  Code = "LEAT-6001"
	TestFailed Code = "LEAT-6002"
)

// Entry explains one code.
type Entry struct {
	Code  Code
	Title string
	// Text is what happened and what to do, in whole sentences.
	Text string
}

// table is sorted by code.
var table = []Entry{
	{
		Internal, "a bug in Leat",
		"Leat met a case that it was not written for. The message says what it was. Please report it with " +
			"the statement and the log lines around it.",
	},
	{
		Usage, "wrong use of a command or flag",
		"The command, an argument or the value of a flag is not one that Leat knows. The hint names what " +
			"is allowed; \"leat COMMAND --help\" shows the rest. The same value may have come from an " +
			"environment variable LEAT_<FLAG>.",
	},
	{
		BadConfig, "wrong configuration",
		"A setting has a value outside its range, or two settings contradict each other. \"leat env\" " +
			"prints every setting with its value and where it comes from.",
	},
	{
		NotOpen, "an address that is open to the network",
		"HTTP listens on loopback only, because there is no authentication yet. Use 127.0.0.1, [::1] or " +
			"localhost, and an SSH tunnel or a proxy of your own that checks who asks.",
	},
	{
		Code(sqlerr.Syntax), "the statement cannot be parsed",
		"The caret stands where the parser could not go on; the hint lists what it expected there.",
	},
	{
		Code(sqlerr.UnknownColumn), "no such column",
		"The name is not a column of the streams in FROM. The hint offers the nearest names. Names " +
			"without quotes are not case-sensitive.",
	},
	{
		Code(sqlerr.UnknownObject), "no such stream, table or sink",
		"Nothing of that name exists. SHOW STREAMS and SHOW TABLES list what does.",
	},
	{
		Code(sqlerr.UnknownFunc), "no such function",
		"No function of that name takes that number of arguments. SHOW FUNCTIONS lists them.",
	},
	{
		Code(sqlerr.TypeMismatch), "the types do not fit",
		"The operator or function has no form for these types. CAST one side to the type of the other.",
	},
	{
		Code(sqlerr.Ambiguous), "the name means two things",
		"Two inputs have a column of that name. Write the name of the stream or its alias in front of it.",
	},
	{
		Code(sqlerr.BadProperty), "a wrong property in WITH",
		"The property is unknown or its value is not allowed. The hint lists what is.",
	},
	{
		Code(sqlerr.BadStatement), "the statement has no meaning",
		"Each part is well formed, but together they make no query that could ever answer. The message " +
			"says why.",
	},
	{
		Code(sqlerr.NotSupported), "not supported",
		"The statement is known SQL that Leat does not run. The hint names another way where there is " +
			"one.",
	},
	{
		Code(sqlerr.TooLarge), "the statement is above a limit",
		"Statements are bounded in length, depth and number of columns, so that no statement can exhaust " +
			"the process.",
	},
	{
		Timeout, "no answer in time",
		"The server did not answer within --timeout. It may be busy, electing a leader, or its disk may " +
			"be full. A retry may help; a statement may have taken effect.",
	},
	{
		Unreach, "cannot reach the server",
		"Nothing answers at the address, or it refused the connection. Check --nats and --context, and " +
			"that \"leat dev\" or your NATS server runs. A retry may help.",
	},
	{
		"LEAT-4003", "the client took no rows",
		"The rows of a query wait for their client; after a minute without a fetch the query ends. Ask " +
			"again, or fetch sooner.",
	},
	{
		"LEAT-4004", "a task does not answer",
		"The task that holds the table's state does not run at the moment: its engine stopped, or takes " +
			"it over right now. A retry may help.",
	},
	{
		"LEAT-4005", "no ingest takes the rows",
		"The ingest that owns the stream does not run at the moment. Nothing was taken. A retry may help.",
	},
	{
		"LEAT-4006", "no answer from ingest",
		"Ingest did not answer in time: the rows may have been taken or not. An Idempotency-Key makes a " +
			"repetition harmless.",
	},
	{
		"LEAT-4007", "no coordinator answers",
		"The NATS server is there, but no coordinator of Leat answers on it. Check that \"leat dev\" or " +
			"\"leat serve coordinator\" runs against this server, and that the account is the right one.",
	},
	{
		PortTaken, "the port is taken",
		"Another process listens on the port that was asked for. Stop it, choose another port, or port 0 " +
			"for any free one. When a NATS server answers there, --nats nats://HOST:PORT uses it.",
	},
	{
		Cancelled, "stopped before the end",
		"The command was interrupted or its parent stopped. What was acknowledged before stays.",
	},
	{
		"LEAT-4101", "ingest is full",
		"The stream's topic is full, so ingest takes no more rows now: what reads it is slower than what " +
			"writes it. Nothing was taken. Wait, and send the rows again.",
	},
	{
		Code(sqlerr.Exists), "it exists already",
		"Something of that name exists. Use another name, DROP the old one, or IF NOT EXISTS.",
	},
	{
		Code(sqlerr.NotFound), "it does not exist",
		"Nothing of that name exists. IF EXISTS makes a DROP of nothing succeed.",
	},
	{
		Code(sqlerr.InUse), "it is in use",
		"A running query reads or writes it. The hint names what must be dropped or terminated first.",
	},
	{
		DataInUse, "the data folder is in use",
		"Another process holds the lock of the data folder; two servers on one store would destroy it. " +
			"Stop that process, or use another folder with --data. The lock ends with its process, also after " +
			"a kill.",
	},
	{
		StoreFull, "the store is full",
		"The disk or the limit of the store is reached. Leat loses nothing: it waits. Make room or raise " +
			"the limit.",
	},
	{
		StoreBad, "the store cannot be opened",
		"The data folder cannot be written, or its files are damaged. The message has the cause. Check " +
			"owner, mode and free space of the folder.",
	},
	{
		"LEAT-5101", "too many queries of clients",
		"As many queries of clients run as are allowed at once. Close some, or wait until others end.",
	},
	{
		"LEAT-5103", "the windows of a table are too many to answer at once",
		"A pull query holds the rows of a windowed table until all are known, and they take more than is " +
			"allowed. Read the table with EMIT CHANGES, or let it keep less with retention in its WITH.",
	},
	{
		BadRow, "a bad record",
		"A record could not become a row; codes 5201 to 5207 say why. It is a dead letter, and the rest " +
			"goes on. With on_error = 'fail_fast' it stops the query.",
	},
	{
		"LEAT-5201", "the bytes are no record of the format",
		"The message or line is not JSON, CSV or msgpack as declared. The dead letter keeps the bytes and " +
			"names the position.",
	},
	{
		"LEAT-5202", "wrong number of fields",
		"A line has more or fewer fields than its header or the declared columns.",
	},
	{
		"LEAT-5203", "a value is not of the column's type",
		"The value cannot be read as the type that the stream declares for the column. The message names " +
			"both.",
	},
	{
		"LEAT-5204", "a number does not fit its type",
		"The number is outside the range of the declared type, or has more digits than the DECIMAL keeps.",
	},
	{
		"LEAT-5205", "no event time",
		"The event-time column is missing, negative or cannot be read as a time.",
	},
	{
		"LEAT-5206", "the event time is too far ahead",
		"The event time is ahead of the log's time by more than max_future; one wrong clock must not " +
			"close every window.",
	},
	{
		"LEAT-5207", "the record is above a limit",
		"The record is too large or nested too deep. The dead letter keeps its first 4 KiB.",
	},
	{
		"LEAT-5211", "division by zero",
		"A whole number or DECIMAL was divided by zero in an expression. The row is a dead letter and the " +
			"rest goes on; NULLIF(x, 0), CASE or TRY(...) make it NULL instead. A DOUBLE divides to Infinity " +
			"or NaN.",
	},
	{
		"LEAT-5212", "a result does not fit its type",
		"The result of an expression or an aggregate is outside INT, BIGINT or DECIMAL. The row is a dead letter " +
			"and the rest goes on. CAST an operand to a wider type, or TRY(...) makes it NULL.",
	},
	{
		"LEAT-5213", "a value does not convert",
		"A text cannot be read as the type of a CAST, or by the pattern of a function such as " +
			"PARSE_TIMESTAMP. The row is a dead letter and the rest goes on. TRY_CAST and TRY(...) make it " +
			"NULL.",
	},
	{
		"LEAT-5214", "an argument that the function does not take",
		"An argument of a function lies outside of what it accepts: an unknown unit, zone or encoding, a " +
			"pattern that cannot be read. The message names it. The row is a dead letter and the rest goes " +
			"on.",
	},
	{
		"LEAT-5215", "no event time in a result",
		"The event time that a query computed is NULL, negative or outside what a window can hold. The row " +
			"is a dead letter and the rest goes on. A filter before the window, or COALESCE, keeps such rows away.",
	},
	{
		"LEAT-5216", "a change of a row that the operator cannot follow",
		"A row of a table was changed or removed, and the operator of the message works on rows that never " +
			"change. The row is a dead letter and the rest goes on. Apply the operator to a stream, or use " +
			"aggregates that can take a row out again.",
	},
	{
		"LEAT-5217", "a function took too long or does not load",
		"A function of CREATE FUNCTION ran longer than a call may, or its module does not load. A result that hangs " +
			"on the clock would be another one on another machine, so the query stops. Mend the function and make it " +
			"and the query anew.",
	},
	{
		LogWentOff, "a log went backwards or has a hole",
		"A topic no longer holds what a task has read from it: it was restored from an older copy, cut or " +
			"damaged. The task stays stopped rather than give wrong answers. The message says what is " +
			"missing, and the choices.",
	},
	{
		"LEAT-5302", "a record kills its task",
		"A task died again and again on a message. Its rows were tried apart: the ones that kill the task " +
			"are dead letters, and the rest goes on. It is a bug in Leat; please report it with the row and " +
			"the statement.",
	},
	{
		"LEAT-5401", "the target refused a row",
		"The system that a sink writes to refused a row for good. The row is a dead letter with the " +
			"reason, and the rest goes on.",
	},
	{
		"LEAT-5402", "the row is too large for the target",
		"The row is larger than the system that a sink writes to takes. The row is a dead letter, and the " +
			"rest goes on.",
	},
	{
		Unhealthy, "a health check failed",
		"The process answers, but a check says that it cannot do its work. \"leat health --verbose\" " +
			"lists each check with its value and limit.",
	},
	{
		TestFailed, "a check says no",
		"The command did its work, and its answer is no: the rows differ, or a bound is broken. The " +
			"output says where.",
	},
}

// Entries returns the table, in the order of the codes.
func Entries() []Entry { return slices.Clone(table) }

// Lookup returns the entry of code.
func Lookup(code Code) (Entry, bool) {
	for _, e := range table {
		if e.Code == code {
			return e, true
		}
	}
	return Entry{}, false
}
