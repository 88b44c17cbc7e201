package email

import (
	"errors"
	"fmt"
	"net/smtp"
	"slices"
	"strings"
)

var (
	errNoTLS   = errors.New("the server offers no STARTTLS")
	errInClear = errors.New("no password without TLS")
	errAsked   = errors.New("the server asks for more than a user name and a password")
)

// login chooses how to log in from what the server offers, such as "LOGIN PLAIN". smtp.PlainAuth
// too keeps the password back where there is no TLS.
func (o *output) login(offers string) (smtp.Auth, error) {
	offered := strings.Fields(strings.ToUpper(offers))
	switch {
	case o.set.Auth != Login && slices.Contains(offered, "PLAIN"):
		return smtp.PlainAuth("", o.set.User, o.password, o.set.Host), nil
	case o.set.Auth != Plain && slices.Contains(offered, "LOGIN"):
		return &loginAuth{user: o.set.User, password: o.password}, nil
	}
	return nil, fmt.Errorf("the server offers %q, which auth: %s does not use", offers, o.set.Auth)
}

// loginAuth is the mechanism LOGIN (draft-murchison-sasl-login): the server asks for the user name
// and then for the password, in words that differ from server to server. It is for one login.
type loginAuth struct {
	user, password string
	asked          int
}

// Start implements smtp.Auth.
func (*loginAuth) Start(s *smtp.ServerInfo) (string, []byte, error) {
	if !s.TLS {
		return "", nil, errInClear
	}
	return "LOGIN", nil, nil
}

// Next implements smtp.Auth.
func (l *loginAuth) Next(_ []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	l.asked++
	switch l.asked {
	case 1:
		return []byte(l.user), nil
	case 2:
		return []byte(l.password), nil
	}
	return nil, errAsked
}
