package nexmark

import (
	"math"
	"math/bits"
)

// random is the stream of draws of one event (SplitMix64).
type random struct{ s uint64 }

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func newRandom(seed, event uint64) random { return random{mix(mix(seed) + event)} }

func (r *random) next() uint64 {
	r.s += 0x9E3779B97F4A7C15
	return mix(r.s)
}

func (r *random) int(n int64) int64 { return int64(r.next() % uint64(n)) }

func (r *random) pick(list []string) string { return list[r.int(int64(len(list)))] }

// price is log-uniform from 1 to 1,000,000 dollars, in cents.
func (r *random) price() int64 {
	u := float64(r.next()>>11) / (1 << 53)
	return int64(math.Round(math.Pow(10, 6*u) * 100))
}

// text appends between 3 and longest-1 characters, one of 13 being blank; blanks at the ends are cut.
func (r *random) text(dst []byte, longest int64, blank byte) []byte {
	n := 3 + r.int(longest-3)
	from := len(dst)
	for range n {
		if r.int(13) == 0 {
			dst = append(dst, blank)
		} else {
			dst = append(dst, 'a'+byte(r.int(26)))
		}
	}
	for len(dst) > from && dst[len(dst)-1] == ' ' {
		dst = dst[:len(dst)-1]
	}
	cut := from
	for cut < len(dst) && dst[cut] == ' ' {
		cut++
	}
	return append(dst[:from], dst[cut:]...)
}

const (
	letterCount  = 1 << 20
	channelCount = 10_000
	staticEvent  = 1 << 63
)

var (
	givenNames = []string{
		"Peter",
		"Paul",
		"Luke",
		"John",
		"Saul",
		"Vicky",
		"Kate",
		"Julie",
		"Sarah",
		"Deiter",
		"Walter",
	}
	familyNames = []string{"Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"}
	cities      = []string{
		"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle",
		"Kent", "Cheyenne",
	}
	states      = []string{"AZ", "CA", "ID", "OR", "WA", "WY"}
	hotChannels = []string{"Google", "Facebook", "Baidu", "Apple"}
)

// statics is what all events share.
type statics struct {
	letters  []byte
	hotURLs  [4]string
	channels []string
	urls     []string
}

func newStatics(seed uint64) *statics {
	r := newRandom(seed, staticEvent)
	s := &statics{letters: make([]byte, letterCount)}
	for i := range s.letters {
		s.letters[i] = 'a' + byte(r.int(26))
	}
	for i := range s.hotURLs {
		s.hotURLs[i] = r.url()
	}
	for i := range channelCount {
		u := r.url()
		if r.int(10) > 0 {
			u += "&channel_id=" + decimal(absolute(int64(int32(bits.Reverse32(uint32(i))))))
		}
		s.channels, s.urls = append(s.channels, "channel-"+decimal(int64(i))), append(s.urls, u)
	}
	return s
}

func absolute(v int64) int64 { return max(v, -v) }

func (r *random) url() string {
	out := []byte("https://www.nexmark.com/")
	for range 3 {
		out = append(r.text(out, 5, '_'), '/')
	}
	return string(out) + "item.htm?query=1"
}

// extra appends letters that fill a record of have bytes up to about want.
func (r *random) extra(dst []byte, s *statics, have, want int64) []byte {
	if have > want {
		return dst
	}
	w := want - have
	d := int64(math.Round(0.2 * float64(w)))
	n := w - d
	if d > 0 {
		n += r.int(2 * d)
	}
	at := r.int(letterCount - n)
	return append(dst, s.letters[at:at+n]...)
}
