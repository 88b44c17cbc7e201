package ssd1306

import (
	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/phrase"
)

// book has the words of the display: a row has sixteen cells, and a Chinese character takes two.
var book = phrase.Book{
	agent.English: {
		"head": "{severity}", "head.ack": "ack {severity}", "head.was": "was {severity}",
		"limit": "limit {value}", "since": "alarm since", "since.start": "before the start", "quiet": "all quiet",

		"kind.battery": "battery", "kind.below-minimum": "below-minimum", "kind.calibration-due": "calibration-due",
		"kind.clock-trouble": "clock-trouble", "kind.condensation": "condensation", "kind.cooling": "cooling",
		"kind.delivery-trouble": "delivery-trouble", "kind.disagree": "disagree", "kind.door-ajar": "door-ajar",
		"kind.flat-line": "flat-line", "kind.forecast": "forecast", "kind.limit": "limit", "kind.mkt": "mkt", "kind.no-data": "no-data",
		"kind.out-of-stock": "out-of-stock", "kind.power-failure": "power-failure", "kind.rate": "rate",
		"kind.sensor-fault": "sensor-fault", "kind.store-trouble": "store-trouble", "kind.unknown-code": "unknown-code",
	},
	agent.Chinese: {
		"head": "{severity}报警", "head.ack": "{severity}已确认", "head.was": "{severity}已恢复",
		"limit": "限值 {value}", "since": "报警发生于", "since.start": "网关启动之前", "quiet": "一切正常",

		"kind.battery": "电池电量低", "kind.below-minimum": "库存不足", "kind.calibration-due": "校准到期",
		"kind.clock-trouble": "时钟故障", "kind.condensation": "结露", "kind.cooling": "降温超时",
		"kind.delivery-trouble": "上传故障", "kind.disagree": "探头不一致", "kind.door-ajar": "门未关",
		"kind.flat-line": "读数不变", "kind.forecast": "预计超限", "kind.limit": "超限", "kind.mkt": "平均动力学温度", "kind.no-data": "没有数据",
		"kind.out-of-stock": "缺货", "kind.power-failure": "断电", "kind.rate": "变化过快",
		"kind.sensor-fault": "传感器故障", "kind.store-trouble": "存储故障", "kind.unknown-code": "未知编码",
	},
}
