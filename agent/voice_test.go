package agent

import "testing"

// Whoever is told nothing else is told the message, and a voice that nobody spoke then is answered
// in its language.
func TestAVoiceThatWasNotSpoken(t *testing.T) {
	a := AlarmEvent{Message: "5 °C", Texts: map[string]string{"zh": "5 摄氏度"}}
	for v, want := range map[Voice]string{
		{}: "5 °C", {Unit: Fahrenheit}: "5 °C", {Language: Chinese, Unit: Fahrenheit}: "5 摄氏度",
		{Language: English, Unit: Celsius}: "5 °C", {Language: Chinese, Unit: Celsius}: "5 摄氏度",
	} {
		if got := a.In(v); got != want {
			t.Errorf("%s: %q, want %q", v.Key(), got, want)
		}
	}
	a.Texts = nil
	if got := a.In(Voice{Language: Chinese}); got != a.Message {
		t.Errorf("without texts: %q", got)
	}
}

func TestVoicesHaveKeys(t *testing.T) {
	for v, want := range map[Voice]string{
		{}: "en", {Language: English, Unit: Celsius}: "en", {Unit: Fahrenheit}: "en-f",
		{Language: Chinese}: "zh", {Language: Chinese, Unit: Fahrenheit}: "zh-f",
	} {
		if v.Key() != want {
			t.Errorf("%+v is %s, want %s", v, v.Key(), want)
		}
	}
}
