package task

// HeldPositions returns, per input, the position of the older snapshot that a stored pointer names: what lies strictly
// below is not needed by the task any more. Without two snapshots yet it is where the task began (0: everything is
// held).
func HeldPositions(value []byte) ([]uint64, error) {
	p, err := decodePointer(value)
	if err != nil {
		return nil, err
	}
	return p.held(&Rules{}), nil
}

// FetchAhead is how many messages of an input wait decoded unless Limits say otherwise: one being taken, and some so
// that the next is there. It is the capacity of that link; leat bench measures others.
const FetchAhead = 4
