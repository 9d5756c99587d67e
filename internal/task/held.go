package task

// HeldPositions returns, per input, the position of the older snapshot that a stored pointer names: what lies strictly
// below is not needed by the task any more. Without two snapshots yet everything is held (0).
func HeldPositions(value []byte) ([]uint64, error) {
	p, err := decodePointer(value)
	if err != nil {
		return nil, err
	}
	if p.Older == nil {
		return nil, nil
	}
	return p.Older.Positions, nil
}

// FetchAhead is how many messages of an input wait decoded: the capacity of that link.
const FetchAhead = fetchAhead
