package nexmark

import "strconv"

// AppendJSON appends the event as a line of JSON, kind first. No text needs escapes.
func (ev *Event) AppendJSON(dst []byte) []byte {
	dst = append(append(append(dst, `{"kind":"`...), ev.Kind.String()...), '"')
	switch ev.Kind {
	case Person:
		dst = number(dst, "id", ev.ID)
		dst = str(str(str(dst, "name", ev.Name), "email_address", ev.Email), "credit_card", ev.Card)
		dst = str(str(dst, "city", ev.City), "state", ev.State)
		dst = number(dst, "date_time", ev.Time)
	case Auction:
		dst = number(dst, "id", ev.ID)
		dst = str(str(dst, "item_name", ev.ItemName), "description", ev.Description)
		dst = number(number(dst, "initial_bid", ev.InitialBid), "reserve", ev.Reserve)
		dst = number(number(dst, "date_time", ev.Time), "expires", ev.Expires)
		dst = number(number(dst, "seller", ev.Seller), "category", ev.Category)
	case Bid:
		dst = number(number(number(dst, "auction", ev.Auction), "bidder", ev.Bidder), "price", ev.Price)
		dst = str(str(dst, "channel", ev.Channel), "url", ev.URL)
		dst = number(dst, "date_time", ev.Time)
	}
	return append(str(dst, "extra", ev.Extra), '}', '\n')
}

func member(dst []byte, name string) []byte {
	return append(append(append(dst, `,"`...), name...), `":`...)
}

func number(dst []byte, name string, v int64) []byte {
	return strconv.AppendInt(member(dst, name), v, 10)
}

func str[T string | []byte](dst []byte, name string, v T) []byte {
	return append(append(append(member(dst, name), '"'), v...), '"')
}
