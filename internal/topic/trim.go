package topic

import (
	"context"
	"fmt"
)

// TrimInput is what a decision about trimming a shard needs.
type TrimInput struct {
	Info Info
	// Retention is how many of the newest bytes stay for queries to come; 0: half of MaxBytes.
	Retention  uint64
	Partitions []PartitionReaders
}

// PartitionReaders names the writers' subjects of one partition, and for each of its consumers the position of its
// older snapshot, or where it registered to start (0: at the first message, which holds everything).
type PartitionReaders struct {
	Subjects  []string
	Positions []uint64
}

// Trim is one trim to make: the messages of Subject strictly below Below, except the subject's last one.
type Trim struct {
	Subject string
	Below   uint64
}

// PlanTrim decides what may go: what every consumer's older snapshot has passed, the message at the position itself
// stays as its bookmark, and what retention does not want. The last message of a subject stays in any case, by
// Log.Trim.
func PlanTrim(in TrimInput) []Trim {
	line := retentionLine(in.Info, in.Retention)
	var plan []Trim
	for _, p := range in.Partitions {
		below := line
		for _, position := range p.Positions {
			below = min(below, position)
		}
		if below <= in.Info.FirstSeq {
			continue
		}
		for _, s := range p.Subjects {
			plan = append(plan, Trim{Subject: s, Below: below})
		}
	}
	return plan
}

// retentionLine returns the sequence from which on the newest retention bytes begin, by the mean size of a message. The
// newest messages are dense: trimming takes from the old end. Where sizes vary the next plan corrects the estimate.
func retentionLine(info Info, retention uint64) uint64 {
	if retention == 0 {
		retention = info.MaxBytes / 2
	}
	if info.Messages == 0 || info.Bytes <= retention {
		return 0
	}
	mean := max(info.Bytes/info.Messages, 1)
	keep := retention/mean + 1
	if keep > info.LastSeq {
		return 0
	}
	return info.LastSeq - keep + 1
}

// Trimmer carries out plans and leaves out what it has done already. It is used by one goroutine.
type Trimmer struct {
	log  Log
	done map[string]uint64
}

// NewTrimmer returns a trimmer of the shard log.
func NewTrimmer(log Log) *Trimmer { return &Trimmer{log: log, done: map[string]uint64{}} }

// Trim carries out a plan. On an error the rest of it is left for the next one.
func (t *Trimmer) Trim(ctx context.Context, plan []Trim) error {
	for _, p := range plan {
		if p.Below <= t.done[p.Subject] {
			continue
		}
		if err := t.log.Trim(ctx, p.Subject, p.Below); err != nil {
			return fmt.Errorf("trim the shard: %w", err)
		}
		t.done[p.Subject] = p.Below
	}
	return nil
}
