package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
)

// Form is what the far side reads.
type Form string

// The forms.
const (
	Plain    Form = "plain"
	Slack    Form = "slack"
	WeCom    Form = "wecom"
	DingTalk Form = "dingtalk"
	Feishu   Form = "feishu"
	Ntfy     Form = "ntfy"
)

// form is how one kind of far side is spoken to.
type form struct {
	signed bool                             // it has a signature
	write  func(m *message) ([]byte, error) // the body; it may change url and header
	judge  func(answer []byte) error        // of a 2xx; nil: the code is enough
}

var forms = map[Form]form{
	Plain:    {true, plain, nil},
	Slack:    {false, slack, judgeSlack},
	WeCom:    {false, wecom, judgeWeCom},
	DingTalk: {true, dingtalk, judgeDingTalk},
	Feishu:   {true, feishu, judgeFeishu},
	Ntfy:     {false, ntfy, judgeNtfy},
}

// message is what a form is made of.
type message struct {
	n      announce.Notice
	voice  agent.Voice
	letter string
	url    string
	key    string
	now    time.Time // set where there is a key
	header http.Header
}

// Longest messages, in bytes, as each service documents them; Slack cuts at 40 000 characters.
const (
	mostWeCom    = 2048
	mostDingTalk = 18_000
	mostFeishu   = 18_000
	mostSlack    = 40_000
	mostNtfy     = 4000
)

// Payload is the body of the form plain for a transition.
type Payload = announce.Payload

func (m *message) json(v any) ([]byte, error) {
	m.header.Set("Content-Type", "application/json")
	return announce.Marshal(v)
}

func sum(key, text string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return h.Sum(nil)
}

func plain(m *message) ([]byte, error) {
	m.header.Set("Content-Type", "application/json")
	body, err := m.n.JSON(m.voice)
	if err != nil || m.key == "" {
		return body, err
	}
	at := strconv.FormatInt(m.now.Unix(), 10)
	m.header.Set("Frostline-Timestamp", at)
	m.header.Set("Frostline-Signature", "sha256="+hex.EncodeToString(sum(m.key, at+"."+string(body))))
	return body, nil
}

// slack: https://api.slack.com/messaging/webhooks; the three characters that have a meaning
// there are escaped.
func slack(m *message) ([]byte, error) {
	text := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(m.letter)
	return m.json(struct {
		Text string `json:"text"`
	}{announce.Clip(text, mostSlack)})
}

type content struct {
	Content string `json:"content"`
}

type textMessage struct {
	Type string  `json:"msgtype"`
	Text content `json:"text"`
}

// wecom: https://developer.work.weixin.qq.com/document/path/91770
func wecom(m *message) ([]byte, error) {
	return m.json(textMessage{"text", content{announce.Clip(m.letter, mostWeCom)}})
}

// dingtalk: https://open.dingtalk.com/document/robots/custom-robot-access and, for the
// signature, https://open.dingtalk.com/document/robots/customize-robot-security-settings
func dingtalk(m *message) ([]byte, error) {
	if m.key != "" {
		at := strconv.FormatInt(m.now.UnixMilli(), 10)
		u, err := url.Parse(m.url)
		if err != nil {
			return nil, ErrURL
		}
		q := u.Query()
		q.Set("timestamp", at)
		q.Set("sign", base64.StdEncoding.EncodeToString(sum(m.key, at+"\n"+m.key)))
		u.RawQuery = q.Encode()
		m.url = u.String()
	}
	return m.json(textMessage{"text", content{announce.Clip(m.letter, mostDingTalk)}})
}

// feishu: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
func feishu(m *message) ([]byte, error) {
	type text struct {
		Text string `json:"text"`
	}
	body := struct {
		Timestamp string `json:"timestamp,omitempty"`
		Sign      string `json:"sign,omitempty"`
		Type      string `json:"msg_type"`
		Content   text   `json:"content"`
	}{Type: "text", Content: text{announce.Clip(m.letter, mostFeishu)}}
	if m.key != "" {
		body.Timestamp = strconv.FormatInt(m.now.Unix(), 10)
		body.Sign = base64.StdEncoding.EncodeToString(sum(body.Timestamp+"\n"+m.key, ""))
	}
	return m.json(body)
}

// ntfy: https://docs.ntfy.sh/publish/. Headers that are not ASCII are encoded as RFC 2047 says.
func ntfy(m *message) ([]byte, error) {
	priority, tag := "default", "information_source"
	switch {
	case !active(m.n):
		tag = "white_check_mark"
	case m.n.Severity() == agent.SeverityCritical:
		priority, tag = "urgent", "rotating_light"
	case m.n.Severity() == agent.SeverityWarning:
		priority, tag = "high", "warning"
	}
	title, rest, _ := strings.Cut(m.letter, "\n")
	m.header.Set("Content-Type", "text/plain; charset=utf-8")
	m.header.Set("Title", mime.BEncoding.Encode("utf-8", title))
	m.header.Set("Priority", priority)
	m.header.Set("Tags", tag)
	return []byte(announce.Clip(rest, mostNtfy)), nil
}

// active reports whether a notice tells of an alarm that is there and waits for somebody.
func active(n announce.Notice) bool { return n.Summary != nil || n.Event.State == agent.StateUnack }

// judgeSlack: a message that was taken is answered with the two letters.
func judgeSlack(answer []byte) error {
	if s := strings.TrimSpace(string(answer)); s != "ok" {
		return strange("slack", answer)
	}
	return nil
}

// judgeNtfy: a message that was taken is answered with its id.
func judgeNtfy(answer []byte) error {
	var a struct{ ID string }
	if err := json.Unmarshal(answer, &a); err != nil || a.ID == "" {
		return strange("ntfy", answer)
	}
	return nil
}

// Codes after which the same message may well be taken: the service is busy, messages came too
// fast, or a signature had the wrong time. All others are final.
var (
	againWeCom    = []int64{-1, 45009}
	againDingTalk = []int64{-1, 130101, 410100}
	againFeishu   = []int64{11232, 19021}
)

func judgeWeCom(answer []byte) error { return judgeErrcode("wecom", answer, againWeCom) }

// judgeDingTalk knows that one code, 310000, is the answer to a wrong signature or time, which a
// set clock may cure, and to a message without the robot's keyword, which nothing cures.
func judgeDingTalk(answer []byte) error {
	again := againDingTalk
	if text := string(answer); strings.Contains(text, "timestamp") || strings.Contains(text, "sign not match") {
		again = append(slices.Clone(again), 310000)
	}
	return judgeErrcode("dingtalk", answer, again)
}

func judgeErrcode(service string, answer []byte, again []int64) error {
	var a struct {
		Code *int64 `json:"errcode"`
		Text string `json:"errmsg"`
	}
	if err := json.Unmarshal(answer, &a); err != nil || a.Code == nil {
		return strange(service, answer)
	}
	return refused(service, *a.Code, a.Text, again)
}

// judgeFeishu knows the present answer, code and msg, and the older, StatusCode and StatusMessage.
func judgeFeishu(answer []byte) error {
	var a struct {
		Code    *int64 `json:"code"`
		Text    string `json:"msg"`
		OldCode *int64 `json:"StatusCode"`
		OldText string `json:"StatusMessage"`
	}
	if err := json.Unmarshal(answer, &a); err != nil || a.Code == nil && a.OldCode == nil {
		return strange("feishu", answer)
	}
	if a.Code == nil || *a.Code == 0 && a.OldCode != nil {
		a.Code, a.Text = a.OldCode, a.OldText
	}
	return refused("feishu", *a.Code, a.Text, againFeishu)
}

// mostQuoted is how much of a far side's words an error repeats.
const mostQuoted = 200

func refused(service string, code int64, text string, again []int64) error {
	switch {
	case code == 0:
		return nil
	case slices.Contains(again, code):
		return fmt.Errorf("webhook: %s answered %d: %s", service, code, announce.Clip(text, mostQuoted))
	}
	return fmt.Errorf("webhook: %s answered %d: %s: %w", service, code, announce.Clip(text, mostQuoted), announce.ErrPermanent)
}

// strange is an answer that the service does not give: something else stands between.
func strange(service string, answer []byte) error {
	return fmt.Errorf("webhook: this is no answer of %s: %q", service, announce.Clip(string(answer), mostQuoted))
}
