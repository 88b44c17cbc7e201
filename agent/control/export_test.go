package control

// ListenWith is Listen on a file system that the test plays.
var ListenWith = listenWith
