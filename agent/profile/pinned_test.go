package profile

// pinned is every number of every profile as the rules have it, each with the id of its
// source. It is written from the rules and not from the files: whoever changes a number
// here has read its source.
var pinned = map[string]string{
	"atp-chilled-dairy": `
high: product temperature above 6 @atp-chilled for 5m @delay-goods deadband 0.2 @swing critical
high-air: air temperature above 6 @atp-chilled for 30m @delay-air deadband 0.5 @swing critical
accuracy: quantity temperature within 1 lowest -25 highest 15 resolution 0.5 from en12830-class-1
record: at_most 5m from en12830-short
independent: from en12830-independent
retention: at_least 365d from en12830-keep
`,
	"atp-chilled-fish": `
high: product temperature above 2 @melting-ice for 5m @delay-goods deadband 0.2 @swing critical
high-air: air temperature above 2 @melting-ice for 30m @delay-air deadband 0.5 @swing critical
accuracy: quantity temperature within 1 lowest -25 highest 15 resolution 0.5 from en12830-class-1
record: at_most 5m from en12830-short
independent: from en12830-independent
retention: at_least 365d from en12830-keep
`,
	"atp-chilled-meat": `
high: product temperature above 7 @atp-chilled for 5m @delay-goods deadband 0.2 @swing critical
high-air: air temperature above 7 @atp-chilled for 30m @delay-air deadband 0.5 @swing critical
accuracy: quantity temperature within 1 lowest -25 highest 15 resolution 0.5 from en12830-class-1
record: at_most 5m from en12830-short
independent: from en12830-independent
retention: at_least 365d from en12830-keep
`,
	"atp-chilled-meat-products": `
high: product temperature above 6 @atp-chilled for 5m @delay-goods deadband 0.2 @swing critical
high-air: air temperature above 6 @atp-chilled for 30m @delay-air deadband 0.5 @swing critical
accuracy: quantity temperature within 1 lowest -25 highest 15 resolution 0.5 from en12830-class-1
record: at_most 5m from en12830-short
independent: from en12830-independent
retention: at_least 365d from en12830-keep
`,
	"atp-chilled-mince": `
high: product temperature above 2 @atp-chilled for 5m @delay-goods deadband 0.2 @swing critical
high-air: air temperature above 2 @atp-chilled for 30m @delay-air deadband 0.5 @swing critical
accuracy: quantity temperature within 1 lowest -25 highest 15 resolution 0.5 from en12830-class-1
record: at_most 5m from en12830-short
independent: from en12830-independent
retention: at_least 365d from en12830-keep
`,
	"atp-chilled-offal": `
high: product temperature above 3 @atp-chilled for 5m @delay-goods deadband 0.2 @swing critical
high-air: air temperature above 3 @atp-chilled for 30m @delay-air deadband 0.5 @swing critical
accuracy: quantity temperature within 1 lowest -25 highest 15 resolution 0.5 from en12830-class-1
record: at_most 5m from en12830-short
independent: from en12830-independent
retention: at_least 365d from en12830-keep
`,
	"atp-chilled-poultry": `
high: product temperature above 4 @atp-chilled for 5m @delay-goods deadband 0.2 @swing critical
high-air: air temperature above 4 @atp-chilled for 30m @delay-air deadband 0.5 @swing critical
accuracy: quantity temperature within 1 lowest -25 highest 15 resolution 0.5 from en12830-class-1
record: at_most 5m from en12830-short
independent: from en12830-independent
retention: at_least 365d from en12830-keep
`,
	"atp-chilled-raw-milk": `
high: product temperature above 6 @atp-chilled for 5m @delay-goods deadband 0.2 @swing critical
high-air: air temperature above 6 @atp-chilled for 30m @delay-air deadband 0.5 @swing critical
accuracy: quantity temperature within 1 lowest -25 highest 15 resolution 0.5 from en12830-class-1
record: at_most 5m from en12830-short
independent: from en12830-independent
retention: at_least 365d from en12830-keep
`,
	"atp-frozen": `
high: product temperature above -12 @atp-frozen for 30m @delay-defrost deadband 0.5 @swing critical
thaw: product temperature above -9 @atp-frozen deadband 0.5 @swing critical
high-air: air temperature above -12 @atp-frozen for 1h @delay-defrost deadband 1 @swing warning
thaw-air: air temperature above -9 @atp-frozen for 45m @delay-defrost deadband 1 @swing critical
accuracy: quantity temperature within 1 lowest -25 highest 15 resolution 0.5 from en12830-class-1
record: at_most 5m from en12830-short
independent: from en12830-independent
retention: at_least 365d from en12830-keep
`,
	"atp-frozen-butter": `
high: product temperature above -10 @atp-frozen for 30m @delay-defrost deadband 0.5 @swing critical
thaw: product temperature above -7 @atp-frozen deadband 0.5 @swing critical
high-air: air temperature above -10 @atp-frozen for 1h @delay-defrost deadband 1 @swing warning
thaw-air: air temperature above -7 @atp-frozen for 45m @delay-defrost deadband 1 @swing critical
accuracy: quantity temperature within 1 lowest -25 highest 15 resolution 0.5 from en12830-class-1
record: at_most 5m from en12830-short
independent: from en12830-independent
retention: at_least 365d from en12830-keep
`,
	"atp-ice-cream": `
high: product temperature above -20 @atp-frozen for 30m @delay-defrost deadband 0.5 @swing critical
thaw: product temperature above -17 @atp-frozen deadband 0.5 @swing critical
high-air: air temperature above -20 @atp-frozen for 1h @delay-defrost deadband 1 @swing warning
thaw-air: air temperature above -17 @atp-frozen for 45m @delay-defrost deadband 1 @swing critical
accuracy: quantity temperature within 1 lowest -25 highest 15 resolution 0.5 from en12830-class-1
record: at_most 5m from en12830-short
independent: from en12830-independent
retention: at_least 365d from en12830-keep
`,
	"atp-quick-frozen": `
high: product temperature above -18 @atp-frozen for 30m @delay-defrost deadband 0.5 @swing critical
thaw: product temperature above -15 @atp-frozen deadband 0.5 @swing critical
high-air: air temperature above -18 @atp-frozen for 1h @delay-defrost deadband 1 @swing warning
thaw-air: air temperature above -15 @atp-frozen for 45m @delay-defrost deadband 1 @swing critical
accuracy: quantity temperature within 1 lowest -25 highest 15 resolution 0.5 from en12830-class-1
record: at_most 5m from en12830-short
independent: from en12830-independent
retention: at_least 365d from en12830-keep
`,
	"food-code-cold-holding": `
high: product temperature above 5 @food-code-cold for 5m @delay-goods deadband 0.2 @swing critical
high-air: air temperature above 5 @food-code-cold for 30m @delay-air deadband 0.5 @swing critical
`,
	"food-code-cooling": `
cooling: cooling of product temperature stages from 57 to 21 within 2h, from 57 to 5 within 6h @food-code-cooling critical
`,
	"food-code-hot-holding": `
low: product temperature below 57 @food-code-hot for 5m @delay-goods deadband 1 @swing critical
`,
	"gsp-cold-store": `
high: product temperature above 10 @gsp-stores for 2m @delay-gsp deadband 0.2 @swing critical
high-air: air temperature above 10 @gsp-stores for 2m @delay-gsp deadband 0.5 @swing critical
low: product temperature below 2 @gsp-stores for 2m @delay-gsp deadband 0.2 @swing critical
low-air: air temperature below 2 @gsp-stores for 2m @delay-gsp deadband 0.5 @swing critical
damp: air humidity above 75 @gsp-stores for 30m @delay-humidity deadband 2 @swing warning
dry: air humidity below 35 @gsp-stores for 30m @delay-humidity deadband 2 @swing warning
probes: quantity temperature count 2 from gsp-room-probes
accuracy: quantity temperature within 0.5 lowest 0 highest 40 from gsp-error
accuracy: quantity temperature within 1 lowest -25 highest 0 from gsp-error
accuracy: quantity humidity within 5 from gsp-error
measure: at_most 1m from gsp-refresh
record: at_most 30m from gsp-storage
record_outside: at_most 2m from gsp-outside
independent: from gsp-system
persons: at_least 3 from gsp-alarm
power_failure: from gsp-alarm
local_alarm: from gsp-alarm
calibration: at_most 365d from gsp-calibration
retention: at_least 1826d from gsp-42
no_import: from gsp-system
no_correction: from gsp-system
`,
	"gsp-cool-store": `
high: product temperature above 20 @gsp-stores for 2m @delay-gsp deadband 0.2 @swing critical
high-air: air temperature above 20 @gsp-stores for 2m @delay-gsp deadband 0.5 @swing critical
damp: air humidity above 75 @gsp-stores for 30m @delay-humidity deadband 2 @swing warning
dry: air humidity below 35 @gsp-stores for 30m @delay-humidity deadband 2 @swing warning
probes: quantity temperature count 2 from gsp-room-probes
accuracy: quantity temperature within 0.5 lowest 0 highest 40 from gsp-error
accuracy: quantity temperature within 1 lowest -25 highest 0 from gsp-error
accuracy: quantity humidity within 5 from gsp-error
measure: at_most 1m from gsp-refresh
record: at_most 30m from gsp-storage
record_outside: at_most 2m from gsp-outside
independent: from gsp-system
persons: at_least 3 from gsp-alarm
power_failure: from gsp-alarm
local_alarm: from gsp-alarm
calibration: at_most 365d from gsp-calibration
retention: at_least 1826d from gsp-42
no_import: from gsp-system
no_correction: from gsp-system
`,
	"gsp-normal-store": `
high: product temperature above 30 @gsp-stores for 2m @delay-gsp deadband 0.2 @swing critical
high-air: air temperature above 30 @gsp-stores for 2m @delay-gsp deadband 0.5 @swing critical
low: product temperature below 0 @gsp-stores for 2m @delay-gsp deadband 0.2 @swing critical
low-air: air temperature below 0 @gsp-stores for 2m @delay-gsp deadband 0.5 @swing critical
damp: air humidity above 75 @gsp-stores for 30m @delay-humidity deadband 2 @swing warning
dry: air humidity below 35 @gsp-stores for 30m @delay-humidity deadband 2 @swing warning
probes: quantity temperature count 2 from gsp-room-probes
accuracy: quantity temperature within 0.5 lowest 0 highest 40 from gsp-error
accuracy: quantity temperature within 1 lowest -25 highest 0 from gsp-error
accuracy: quantity humidity within 5 from gsp-error
measure: at_most 1m from gsp-refresh
record: at_most 30m from gsp-storage
record_outside: at_most 2m from gsp-outside
independent: from gsp-system
persons: at_least 3 from gsp-alarm
power_failure: from gsp-alarm
local_alarm: from gsp-alarm
calibration: at_most 365d from gsp-calibration
retention: at_least 1826d from gsp-42
no_import: from gsp-system
no_correction: from gsp-system
`,
	"gsp-vehicle": `
high: product temperature above 10 @gsp-stores for 2m @delay-gsp deadband 0.2 @swing critical
high-air: air temperature above 10 @gsp-stores for 2m @delay-gsp deadband 0.5 @swing critical
low: product temperature below 2 @gsp-stores for 2m @delay-gsp deadband 0.2 @swing critical
low-air: air temperature below 2 @gsp-stores for 2m @delay-gsp deadband 0.5 @swing critical
probes: quantity temperature count 2 over 20 one_more_per 20 from gsp-vehicle-probes
accuracy: quantity temperature within 0.5 lowest 0 highest 40 from gsp-error
accuracy: quantity temperature within 1 lowest -25 highest 0 from gsp-error
measure: at_most 1m from gsp-refresh
record: at_most 5m from gsp-transport
record_outside: at_most 2m from gsp-outside
independent: from gsp-system
persons: at_least 3 from gsp-alarm
power_failure: from gsp-alarm
local_alarm: from gsp-alarm
calibration: at_most 365d from gsp-calibration
retention: at_least 1826d from gsp-42
no_import: from gsp-system
no_correction: from gsp-system
`,
	"quick-frozen": `
high: product temperature above -18 @directive-89-108 for 30m @delay-defrost deadband 0.5 @swing critical
thaw: product temperature above -15 @directive-89-108 deadband 0.5 @swing critical
high-air: air temperature above -18 @directive-89-108 for 1h @delay-defrost deadband 1 @swing warning
thaw-air: air temperature above -15 @directive-89-108 for 45m @delay-defrost deadband 1 @swing critical
accuracy: quantity temperature within 1 lowest -25 highest 15 resolution 0.5 from en12830-class-1
record: at_most 1h from en12830-long
independent: from en12830-independent
retention: at_least 365d from ec-37-2005
`,
	"ultra-cold": `
high: product temperature above -60 @cdc-ultra for 5m @delay-goods deadband 1 @swing critical
high-air: air temperature above -60 @cdc-ultra for 30m @delay-air deadband 1 @swing critical
low: product temperature below -90 @cdc-ultra for 5m @delay-goods deadband 1 @swing critical
low-air: air temperature below -90 @cdc-ultra for 30m @delay-air deadband 1 @swing critical
record: at_most 30m from cdc-logger
`,
	"usp-cct": `
hot: product temperature above 15 @usp-659-cct critical
spike: product temperature above 8 @usp-659-cct for 1d @usp-659-cct critical
high: product temperature above 8 @usp-659-cct for 15m @early deadband 0.5 @swing warning
low: product temperature below 2 @usp-659-cct for 5m @delay-goods deadband 0.5 @swing critical
mkt: mkt of product temperature above 8 @usp-659-cct within 1d @usp-1079-cct dh 83.144 @usp-1160 critical
hot-air: air temperature above 15 @usp-659-cct critical absolute true
spike-air: air temperature above 8 @usp-659-cct for 1d @usp-659-cct critical
high-air: air temperature above 8 @usp-659-cct for 15m @early deadband 0.5 @swing warning
low-air: air temperature below 2 @usp-659-cct for 30m @delay-air deadband 0.5 @swing critical
mkt-air: mkt of air temperature above 8 @usp-659-cct within 1d @usp-1079-cct dh 83.144 @usp-1160 critical
`,
	"usp-crt": `
hot: product temperature above 40 @usp-659-crt critical
spike: product temperature above 30 @usp-659-crt for 1d @usp-659-crt critical
high: product temperature above 30 @usp-659-crt for 15m @early deadband 0.5 @swing warning
low: product temperature below 15 @usp-659-crt for 5m @delay-goods deadband 0.5 @swing critical
mkt: mkt of product temperature above 25 @usp-659-crt within 30d @usp-1079-crt dh 83.144 @usp-1160 critical
hot-air: air temperature above 40 @usp-659-crt critical absolute true
spike-air: air temperature above 30 @usp-659-crt for 1d @usp-659-crt critical
high-air: air temperature above 30 @usp-659-crt for 15m @early deadband 0.5 @swing warning
low-air: air temperature below 15 @usp-659-crt for 30m @delay-air deadband 0.5 @swing critical
mkt-air: mkt of air temperature above 25 @usp-659-crt within 30d @usp-1079-crt dh 83.144 @usp-1160 critical
`,
	"vaccine-2-8": `
high: product temperature above 8 @cdc-range for 5m @delay-goods deadband 0.2 @swing critical
high-air: air temperature above 8 @cdc-range for 30m @delay-air deadband 0.5 @swing critical
low: product temperature below 2 @cdc-range for 5m @delay-goods deadband 0.2 @swing critical
low-air: air temperature below 2 @cdc-range for 30m @delay-air deadband 0.5 @swing critical
freeze: product temperature at_or_below -0.5 @who-freeze critical
freeze-air: air temperature at_or_below -0.5 @who-freeze for 5m @delay-goods critical absolute true
on_goods: from cdc-logger
accuracy: quantity temperature within 0.5 from cdc-logger
record: at_most 30m from cdc-logger
`,
	"who-30dtr": `
high: product temperature above 8 @tr06-high for 10h @tr06-high critical
high-air: air temperature above 8 @tr06-high for 10h @tr06-high critical
freeze: product temperature below -0.5 @tr06-low for 1h @tr06-low critical
freeze-air: air temperature below -0.5 @tr06-low for 1h @tr06-low critical absolute true
accuracy: quantity temperature within 0.5 resolution 0.1 from tr06-accuracy
measure: at_most 10m from tr06-sampling
retention: at_least 30d from tr06-history
`,
	"who-tr07-type-1": `
hot: product temperature at_or_above 45 @tr07-1 for 1h @tr07-1 critical
warm: product temperature at_or_above 30 @tr07-1 total 10h @tr07-1 within trip @tr07-1 critical
freeze: product temperature at_or_below -0.5 @tr07-1 for 1h @tr07-1 critical
retention: at_least 10d from tr07-record
`,
	"who-tr07-type-2": `
hot: product temperature at_or_above 45 @tr07-2 for 1h @tr07-2 critical
warm: product temperature at_or_above 30 @tr07-2 total 10h @tr07-2 within trip @tr07-2 critical
mild: product temperature at_or_above 10 @tr07-2 total 20h @tr07-2 within trip @tr07-2 critical
retention: at_least 10d from tr07-record
`,
}

// sources is what each source is.
var sources = map[string]string{
	"atp-chilled":         "ATP (UNECE), annex 3, highest temperatures of chilled foods, verified",
	"atp-frozen":          "ATP (UNECE), annex 2, highest temperatures of frozen foods; a brief rise of at most 3 °C during defrost and the like, verified",
	"cdc-logger":          "CDC Vaccine Storage and Handling Toolkit, data loggers: accuracy, interval, buffered probe, verified",
	"cdc-range":           "CDC Vaccine Storage and Handling Toolkit, refrigerator, 2 to 8 °C, well-known",
	"cdc-ultra":           "CDC Vaccine Storage and Handling Toolkit, ultra-cold freezer, -90 to -60 °C, well-known",
	"delay-air":           "own",
	"delay-defrost":       "own",
	"delay-goods":         "own",
	"delay-gsp":           "own",
	"delay-humidity":      "own",
	"directive-89-108":    "Directive 89/108/EEC on quick-frozen foods, -18 °C or colder, a brief rise of at most 3 °C, well-known",
	"early":               "own",
	"ec-37-2005":          "Regulation (EC) 37/2005, instruments after EN 12830, records dated and kept for at least a year, verified",
	"en12830-class-1":     "EN 12830:1999, class 1: error at most 1 °C, resolution at most 0.5 °C, verified",
	"en12830-independent": "EN 12830:1999, sensors do not depend on the control of the cooling, verified",
	"en12830-keep":        "EN 12830:1999, records are available for at least a year, verified",
	"en12830-long":        "EN 12830:1999, records of more than 7 days: every 60 min, verified",
	"en12830-short":       "EN 12830:1999, transport, records of less than 24 h: every 5 min, verified",
	"food-code-cold":      "FDA Food Code 3-501.16, cold holding at 5 °C (41 °F) or less, verified",
	"food-code-cooling":   "FDA Food Code, cooling from 57 to 21 °C in 2 h, then to 5 °C in 4 h more, 6 h in all, verified",
	"food-code-hot":       "FDA Food Code 3-501.16, hot holding at 57 °C (135 °F) or more, verified",
	"gsp-42":              "China GSP, article 42: records are kept for at least five years, well-known",
	"gsp-alarm":           "China GSP, appendix on automatic monitoring of temperature and humidity, out of range or power failure: sound and light on the spot, and a message to at least 3 named persons, verified",
	"gsp-calibration":     "China GSP, appendix on automatic monitoring of temperature and humidity, calibration at least once a year, verified",
	"gsp-error":           "China GSP, appendix on automatic monitoring of temperature and humidity, largest error: 0.5 °C from 0 to 40 °C, 1.0 °C from -25 to 0 °C, 5 %RH, verified",
	"gsp-outside":         "China GSP, appendix on automatic monitoring of temperature and humidity, out of range: recorded at least every 2 min, verified",
	"gsp-refresh":         "China GSP, appendix on automatic monitoring of temperature and humidity, every point is refreshed at least every minute, verified",
	"gsp-room-probes":     "China, cold chain guide for medical devices, each independent cold room: at least 2 probes, verified",
	"gsp-storage":         "China GSP, appendix on automatic monitoring of temperature and humidity, storage: recorded at least every 30 min, verified",
	"gsp-stores":          "China GSP, appendix on automatic monitoring of temperature and humidity, store classes: cold 2 to 10 °C, cool at most 20 °C, normal 0 to 30 °C, humidity 35 to 75 %RH; through secondary sources, verified",
	"gsp-system":          "China GSP, appendix on automatic monitoring of temperature and humidity, true and unchanged data, no import, no correction open to the user, not coupled to the control equipment, verified",
	"gsp-transport":       "China GSP, appendix on automatic monitoring of temperature and humidity, transport: recorded at least every 5 min, verified",
	"gsp-vehicle-probes":  "China GSP, appendix on automatic monitoring of temperature and humidity, vehicles: 2 probes; over 20 m³ one more for each 20 m³ begun, verified",
	"melting-ice":         "own",
	"swing":               "own",
	"tr06-accuracy":       "WHO PQS E006/TR06.3, 30-day refrigerator temperature loggers, accuracy and resolution, verified",
	"tr06-high":           "WHO PQS E006/TR06.3, 30-day refrigerator temperature loggers, high alarm, 10 h without a break, well-known",
	"tr06-history":        "WHO PQS E006/TR06.3, 30-day refrigerator temperature loggers, marks of the last 30 days, verified",
	"tr06-low":            "WHO PQS E006/TR06.3, 30-day refrigerator temperature loggers, low alarm, 60 min without a break, verified",
	"tr06-sampling":       "WHO PQS E006/TR06.3, 30-day refrigerator temperature loggers, sampling interval, well-known",
	"tr07-1":              "WHO PQS E006/TR07, electronic shipping indicators, alarm settings of type 1, verified",
	"tr07-2":              "WHO PQS E006/TR07, electronic shipping indicators, alarm settings of type 2, verified",
	"tr07-record":         "WHO PQS E006/TR07, electronic shipping indicators, record of 10 days, verified",
	"usp-1079-cct":        "USP <1079.2>, MKT of controlled cold temperature: a window of 24 h, verified",
	"usp-1079-crt":        "USP <1079.2>, MKT of controlled room temperature: a window of at most 30 days, the excursion included, verified",
	"usp-1160":            "USP 29 <1160>, activation energy 83.144 kJ/mol, verified",
	"usp-659-cct":         "USP <659>, controlled cold temperature: 2 to 8 °C, excursions 2 to 15 °C for at most 24 h, MKT at most 8 °C, verified",
	"usp-659-crt":         "USP <659>, controlled room temperature: 20 to 25 °C, excursions 15 to 30 °C, spikes to 40 °C for at most 24 h, MKT at most 25 °C, verified",
	"who-freeze":          "WHO PQS E006/TR07, electronic shipping indicators, freeze alarm at -0.5 °C, verified",
}
