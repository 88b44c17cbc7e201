package phrase

import "github.com/frostline/frostline/agent"

// common has the words that every book needs.
var common = Book{
	agent.English: {
		"unknown": "unknown",

		"time.d": "{n} d", "time.h": "{n} h", "time.min": "{n} min", "time.s": "{n} s", "time.ms": "{n} ms",
		"list.comma": ", ", "list.more": "{names} and {more} more",

		"severity.info": "info", "severity.warning": "warning", "severity.critical": "critical",

		"quantity.temperature": "temperature", "quantity.humidity": "humidity", "quantity.pressure": "pressure", "quantity.co2": "CO₂",
		"quantity.voltage": "voltage", "quantity.current": "current", "quantity.resistance": "resistance", "quantity.power": "power",
		"quantity.energy": "energy", "quantity.battery": "battery", "quantity.count": "count", "quantity.door": "door",
		"quantity.power_ok": "mains power", "quantity.contact": "contact", "quantity.speed": "speed",
		"quantity.latitude": "latitude", "quantity.longitude": "longitude",

		"state.door.0": "closed", "state.door.1": "open",
		"state.power_ok.0": "off", "state.power_ok.1": "on",
		"state.contact.0": "open", "state.contact.1": "closed",

		"fault.absent": "absent", "fault.crc": "crc", "fault.short": "short", "fault.timeout": "timeout", "fault.bus-stuck": "bus-stuck",
		"fault.not-ready": "not-ready", "fault.power-on": "power-on", "fault.power": "power", "fault.range": "range",
		"fault.open-circuit": "open-circuit", "fault.short-circuit": "short-circuit", "fault.device": "device",
		"fault.protocol": "protocol", "fault.missed": "missed", "fault.open": "open", "fault.io": "io",
	},
	agent.Chinese: {
		"unknown": "未知",

		"time.d": "{n} 天", "time.h": "{n} 小时", "time.min": "{n} 分钟", "time.s": "{n} 秒", "time.ms": "{n} 毫秒",
		"list.comma": "、", "list.more": "{names} 等共 {all} 项",

		"severity.info": "提示", "severity.warning": "警告", "severity.critical": "严重",

		"quantity.temperature": "温度", "quantity.humidity": "湿度", "quantity.pressure": "气压", "quantity.co2": "二氧化碳浓度",
		"quantity.voltage": "电压", "quantity.current": "电流", "quantity.resistance": "电阻", "quantity.power": "功率",
		"quantity.energy": "电能", "quantity.battery": "电池电量", "quantity.count": "计数", "quantity.door": "门",
		"quantity.power_ok": "市电", "quantity.contact": "触点", "quantity.speed": "车速",
		"quantity.latitude": "纬度", "quantity.longitude": "经度",

		"state.door.0": "关闭", "state.door.1": "打开",
		"state.power_ok.0": "中断", "state.power_ok.1": "正常",
		"state.contact.0": "断开", "state.contact.1": "闭合",

		"fault.absent": "设备无应答", "fault.crc": "校验错误", "fault.short": "数据不完整", "fault.timeout": "应答超时", "fault.bus-stuck": "总线卡死",
		"fault.not-ready": "测量未完成", "fault.power-on": "上电初始值", "fault.power": "供电不足", "fault.range": "超出量程",
		"fault.open-circuit": "探头断路", "fault.short-circuit": "探头短路", "fault.device": "设备自身报错",
		"fault.protocol": "通信数据异常", "fault.missed": "网关未按时采样", "fault.open": "设备无法打开", "fault.io": "读写错误",
	},
}
