package webhook_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce/webhook"
)

// TestVoice: a chat reads its own language and unit, a machine the message of the record beside it.
func TestVoice(t *testing.T) {
	for form, want := range map[webhook.Form][]string{
		webhook.Plain: {`"message":"Vaccine cold room`, `"text":"疫苗冷库温度 47.12 °F"`},
		webhook.WeCom: {`严重报警触发：`, `疫苗冷库温度 47.12 °F`},
		webhook.Ntfy:  {"疫苗冷库温度 47.12 °F\n"},
	} {
		f := &far{answer: taken}
		srv := httptest.NewServer(f)
		h := host
		h.Voice = agent.Voice{Language: agent.Chinese, Unit: agent.Fahrenheit}
		set := webhook.Driver.Config().(*webhook.Settings)
		set.URL, set.Form = srv.URL, form
		o, err := webhook.Driver.Open(t.Context(), h, set)
		if err != nil {
			t.Fatal(err)
		}
		n := notice()
		n.Event.Texts = map[string]string{"zh-f": "疫苗冷库温度 47.12 °F"}
		if err := o.Announce(t.Context(), n); err != nil {
			t.Errorf("%s: %v", form, err)
		}
		for _, text := range want {
			if !strings.Contains(strings.Join(f.bodies, ""), text) {
				t.Errorf("%s: no %s in %s", form, text, f.bodies)
			}
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
		srv.Close()
	}
}
