package config

import (
	"fmt"
	"time"
)

// Date is a day, such as 2027-03-01; empty for none.
type Date string

// UnmarshalText reads 2027-03-01.
func (d *Date) UnmarshalText(text []byte) error {
	if _, err := time.Parse(time.DateOnly, string(text)); err != nil {
		return fmt.Errorf("%s is no date: write it as 2027-03-01", clip(string(text)))
	}
	*d = Date(text)
	return nil
}

// Time is midnight UTC at the beginning of the day; zero for none.
func (d Date) Time() time.Time {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return time.Time{}
	}
	return t
}
