package agent

// Language is a language in which people are told things, as a tag of RFC 5646.
type Language string

// The languages.
const (
	English Language = "en"
	Chinese Language = "zh" // simplified
)

// Degrees is the unit in which people are told temperatures. What is stored is °C.
type Degrees string

// The units.
const (
	Celsius    Degrees = "celsius"
	Fahrenheit Degrees = "fahrenheit"
)

// Voice is how a reader is spoken to. The zero Voice is English and °C.
type Voice struct {
	Language Language // English if empty
	Unit     Degrees  // Celsius if empty
}

// Key names the voice: the language, followed by -f where temperatures are in °F; "en", "en-f",
// "zh", "zh-f". Voices with one key are the same.
func (v Voice) Key() string {
	key := string(v.Language)
	if key == "" {
		key = string(English)
	}
	if v.Unit == Fahrenheit {
		key += "-f"
	}
	return key
}

// In is what people of that voice are told of the transition. Where the event has no text for
// them, because nobody spoke so when it happened, it is the text in their language with the
// other unit, or else Message.
func (e *AlarmEvent) In(v Voice) string {
	if v.Key() == (Voice{}).Key() {
		return e.Message
	}
	if text, ok := e.Texts[v.Key()]; ok {
		return text
	}
	other := Voice{Language: v.Language, Unit: Fahrenheit}
	if v.Unit == Fahrenheit {
		other.Unit = Celsius
	}
	if text, ok := e.Texts[other.Key()]; ok && other.Key() != (Voice{}).Key() {
		return text
	}
	return e.Message
}
