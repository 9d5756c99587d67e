package task

// Rules switches rules of the protocol off. Nobody but the tests does: they show that the simulation catches each.
type Rules struct {
	NoSuppress   bool // redone steps are written again
	NoEpochCheck bool // a higher epoch does not stop an owner
	NoEpochCopy  bool // epoch messages repeat nothing
	NoEpochMsg   bool // subjects are not fenced before the first step
	NoJoinOrder  bool // steps are redone in any order
	NoProgress   bool // a subject behind the state stays silent
	SnapEarly    bool // snapshots do not wait for acknowledgements
	OneSnapshot  bool // only the newest is kept
	NoSnapTwice  bool // no snapshot without news
	NoPtrFence   bool // the pointer is not rewritten at the start
}
