package announce

import (
	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/phrase"
)

// book has what people read around the sentences of the alarms: titles, and summaries of floods.
var book = phrase.Book{
	agent.English: {
		"title":       "{severity} alarm {transition}: {place}",
		"title.flood": "alarm flood: {count} more",
		"title.drill": "DRILL: {severity} alarm {transition}: {place}",

		"level":        "Level {level}, nobody has acknowledged for {waited}: {text}",
		"level.advice": "{text}. {advice}",
		"level.late":   "Late, the gateway was off: {text}",
		"drill":        "DRILL, no alarm: {text}",

		"transition.raised": "raised", "transition.cleared": "cleared", "transition.acknowledged": "acknowledged",
		"transition.re-alarmed": "re alarmed", "transition.latched": "latched", "transition.reset": "reset",
		"transition.shelved": "shelved", "transition.unshelved": "unshelved", "transition.suppressed": "suppressed",
		"transition.unsuppressed": "unsuppressed", "transition.out-of-service": "out of service", "transition.in-service": "in service",

		"flood.one":        "1 more alarm{since}: {severities}{places}{changes}",
		"flood.several":    "{raised} more alarms{since}: {severities}{places}{changes}",
		"flood.none":       "{other} more alarm changes{since}, none of them a new alarm",
		"flood.since":      " since {time}",
		"flood.severity":   "{count} {severity}",
		"flood.places":     " ({zones})",
		"flood.zone":       "{zone} {count}",
		"flood.zones-more": "{count} more zones",
		"flood.changes":    "; {other} other changes",
	},
	agent.Chinese: {
		"title":       "{severity}报警{transition}：{place}",
		"title.flood": "报警泛滥：另有 {count} 条",
		"title.drill": "演练：{severity}报警{transition}：{place}",

		"level":        "第 {level} 级，{waited}无人确认：{text}",
		"level.advice": "{text}。{advice}",
		"level.late":   "迟报（网关曾停机）：{text}",
		"drill":        "演练，并非真实报警：{text}",

		"transition.raised": "触发", "transition.cleared": "恢复", "transition.acknowledged": "已确认",
		"transition.re-alarmed": "再次触发", "transition.latched": "恢复并锁存", "transition.reset": "已复位",
		"transition.shelved": "已搁置", "transition.unshelved": "搁置结束", "transition.suppressed": "已抑制",
		"transition.unsuppressed": "抑制结束", "transition.out-of-service": "已停用", "transition.in-service": "恢复启用",

		"flood.one":        "{since}另有 1 条报警：{severities}{places}{changes}",
		"flood.several":    "{since}另有 {raised} 条报警：{severities}{places}{changes}",
		"flood.none":       "{since}另有 {other} 条报警状态变化，没有新报警",
		"flood.since":      "自 {time} 起",
		"flood.severity":   "{severity} {count} 条",
		"flood.places":     "（{zones}）",
		"flood.zone":       "{zone} {count} 条",
		"flood.zones-more": "另外 {count} 个区域",
		"flood.changes":    "；其他状态变化 {other} 条",
	},
}
