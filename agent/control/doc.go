// Package control is API v1: how the command line (and later the page) speaks to a
// running agent, over HTTP on a Unix socket in the store's directory, or in systemd's runtime
// directory where the store's file system is read-only or full.
//
// The socket belongs to the group frostline and has mode 0660: who may open it may use
// every verb. The peer's user id is recorded with everything it does; --as names the person.
package control
