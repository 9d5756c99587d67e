package topic

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The classes of topics. A class is a whole token of a subject because NATS permissions match whole tokens.
const (
	ClassSource = "src" // what ingest writes
	ClassResult = "res" // what engines write: results and exchanges
	ClassDead   = "dlq" // dead letters
)

var (
	userName  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	topicName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,127}$`)
	writerID  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// maxPartitions bounds a partition number; far above any use, far below what a token may hold.
const maxPartitions = 1 << 16

// CheckName says whether name may name a user's stream, table or sink.
func CheckName(name string) error {
	if !userName.MatchString(name) {
		return fmt.Errorf("name %q: want a small letter, then at most 62 small letters, digits or _", name)
	}
	return nil
}

// StageName returns the topic name of the exchange behind a stage of a query, Q<query>-<stage>. Capital letter and
// hyphen keep it apart from every user's name (CheckName), so that no stream can meet a stage's topic.
func StageName(query string, stage int) string {
	return fmt.Sprintf("Q%s-%d", strings.ReplaceAll(query, ".", "-"), stage)
}

// Subject returns the subject to which writer appends partition of the topic name. It panics when a part cannot be a
// token: parts come from checked names and numbers, never from keys.
func Subject(class, name string, partition int, writer string) string {
	mustToken(class, name, partition)
	if !writerID.MatchString(writer) {
		panic(fmt.Sprintf("topic: writer %q cannot be a token", writer))
	}
	return "leat." + class + "." + name + "." + strconv.Itoa(partition) + "." + writer
}

// PartitionFilter matches the subjects of all writers of a partition.
func PartitionFilter(class, name string, partition int) string {
	mustToken(class, name, partition)
	return "leat." + class + "." + name + "." + strconv.Itoa(partition) + ".*"
}

// Filter matches every subject of a topic.
func Filter(class, name string) string {
	mustToken(class, name, 0)
	return "leat." + class + "." + name + ".>"
}

// ShardName returns the JetStream stream of shard number n of a topic.
func ShardName(name string, n int) string {
	mustToken(ClassSource, name, n)
	return "LEAT_" + name + "_" + strconv.Itoa(n)
}

func mustToken(class, name string, partition int) {
	if class != ClassSource && class != ClassResult && class != ClassDead {
		panic(fmt.Sprintf("topic: class %q is none of src, res, dlq", class))
	}
	if !topicName.MatchString(name) {
		panic(fmt.Sprintf("topic: name %q cannot be a token", name))
	}
	if partition < 0 || partition >= maxPartitions {
		panic(fmt.Sprintf("topic: partition %d is outside 0..%d", partition, maxPartitions-1))
	}
}

// Place is a subject taken apart.
type Place struct {
	Class, Name string
	Partition   int
	Writer      string
}

// ParseSubject takes apart what Subject made.
func ParseSubject(subject string) (Place, error) {
	t := strings.Split(subject, ".")
	if len(t) != 5 || t[0] != "leat" {
		return Place{}, fmt.Errorf("subject %q: want leat.<class>.<name>.<partition>.<writer>", subject)
	}
	p, err := strconv.Atoi(t[3])
	switch {
	case err != nil || p < 0 || p >= maxPartitions || strconv.Itoa(p) != t[3]:
		return Place{}, fmt.Errorf("subject %q: partition %q is no number in 0..%d", subject, t[3], maxPartitions-1)
	case t[1] != ClassSource && t[1] != ClassResult && t[1] != ClassDead:
		return Place{}, fmt.Errorf("subject %q: class %q is none of src, res, dlq", subject, t[1])
	case !topicName.MatchString(t[2]) || !writerID.MatchString(t[4]):
		return Place{}, fmt.Errorf("subject %q: name or writer is no plain token", subject)
	}
	return Place{Class: t[1], Name: t[2], Partition: p, Writer: t[4]}, nil
}

// MatchAny tells whether subject matches one of the filters; no filter matches all.
func MatchAny(filters []string, subject string) bool {
	for _, f := range filters {
		if Match(f, subject) {
			return true
		}
	}
	return len(filters) == 0
}

// Match tells whether subject matches the NATS filter: * is one token, > at the end is one or more.
func Match(filter, subject string) bool {
	for {
		f, filterRest, moreFilter := strings.Cut(filter, ".")
		if f == ">" && !moreFilter {
			return subject != ""
		}
		s, subjectRest, moreSubject := strings.Cut(subject, ".")
		if f != s && f != "*" || moreFilter != moreSubject {
			return false
		}
		if !moreFilter {
			return true
		}
		filter, subject = filterRest, subjectRest
	}
}
