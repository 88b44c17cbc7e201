// Package emulated is a host without hardware: periph buses with chips behind them that
// answer at register level, the physics of the rooms and trucks that the chips stand in,
// and a script of troubles. The real drivers run on it unchanged.
//
// Everything is a function of the seed and of the time since the world began, whoever
// looks and how often: physics advance in steps of one second up to the moment that is
// asked for, the script is a list of intervals, and noise is a hash of seed, probe and
// second. A world runs as fast as the clock that it is given.
//
// # Physics
//
// A zone is two thermal masses, the air with everything that follows it quickly (shelves,
// evaporator, inner skin) and the product:
//
//	air·dTa/dt     = walls·(Taround−Ta) + door·(Topen−Ta) + coupling·(Tp−Ta) + load + fans + defrost − cooling
//	product·dTp/dt = coupling·(Ta−Tp)
//
// Cooling switches between setpoint+band and setpoint−band and rests at least three
// minutes between two runs, as controllers enforce to spare the compressor. During a
// defrost it is off and the heater of the coil warms the air. Without mains everything
// stops but the load. The air that a zone loses through its door does not warm the zone
// beyond it: docks and streets are large.
//
// Moisture is a vapor pressure. The coil draws it towards saturation at eight kelvin
// under the air, leaks and the open door towards that of the zone beyond, and it never
// exceeds saturation. Saturation is Magnus' formula with Sensirion's coefficients over
// water (17.62, 243.12 °C) and 22.46, 272.62 °C over ice; humidity is relative to water
// at all temperatures, as capacitive sensors report it.
//
// Outside is a daily curve with its peak at 15:00 and a slow wander of less than one
// kelvin, or, for a truck, the temperatures along its route.
//
// The embedded scenarios' numbers are assumptions for rooms of 20 to 60 m³: panels of
// 0.25 W/m²K, fittings of 50 to 100 kg, a door of 2 m² without curtain that exchanges
// some 400 to 500 W per kelvin, cooling of 2.1 kW for a cold room and 5 kW for a freezer, food
// and medicine at 3.6 kJ/kgK thawed and 2.0 kJ/kgK frozen. They give air time constants
// of 5 to 20 minutes, product ones of one to five hours, compressor cycles of 10 to 25
// minutes, and a defrost that brings freezer air to about −12 °C, in line with what
// rooms of that size show; they are no model of a particular room.
package emulated
