// Package webhook announces alarm transitions by an HTTP POST, in the form that the far side
// reads.
//
// The form plain is the event as JSON (announce.Payload), or the summary of a flood
// (announce.FloodPayload). With a key it is signed: the header Frostline-Timestamp holds the Unix
// time in seconds, the header Frostline-Signature "sha256=" and, in hexadecimal, HMAC-SHA256 with
// that key over the timestamp, a full stop and the body. A receiver computes the same, compares in
// constant time, and refuses old timestamps. The header Idempotency-Key names the transition: one
// that comes twice has the same.
//
// The other forms are those of chat services, whose address is a secret:
//
//	slack      {"text": …}
//	wecom      {"msgtype": "text", "text": {"content": …}}
//	dingtalk   the same; with a key timestamp and sign in the query: base64 of HMAC-SHA256 with
//	           the key over the time in milliseconds, a line feed and the key
//	feishu     {"msg_type": "text", "content": {"text": …}}; with a key timestamp and sign in
//	           the body: base64 of HMAC-SHA256 over nothing, with the time in seconds, a line
//	           feed and the key as the key. Lark has the same
//	ntfy       the text as the body; Title, Priority and Tags as headers
//
// WeCom, DingTalk and Feishu answer 200 to what they did not take and say so in the body: that
// is a failure, and so is an answer that is none of theirs, such as the page of a captive portal.
package webhook
