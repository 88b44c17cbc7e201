package sensors

import (
	"context"
	"fmt"
)

// Driver is a kind of sensor: what Define returns and sensors/all lists.
type Driver struct {
	Name   string                                                        // the word after driver: in the config
	Config func() any                                                    // a new pointer to the driver's settings, set to their defaults
	Points func(config any) []PointSpec                                  // the points a sensor with these settings has
	Open   func(ctx context.Context, h Host, config any) (Sensor, error) // config is what Config returned, filled in and validated
}

// ScannerDriver is a kind of scanner: what DefineScanner returns and sensors/all lists.
type ScannerDriver struct {
	Name   string
	Config func() any
	Points func(config any) []PointSpec // state points beside the scans; usually none
	Open   func(ctx context.Context, h Host, config any) (Scanner, error)
}

// Define makes a driver from its name, its settings' defaults, the points it declares
// and how to open one. C is a struct whose fields carry `yaml:"key"` and `doc:"…"` tags;
// if *C has Validate() error, the config calls it before any hardware is touched.
func Define[C any](name string, defaults C, points func(C) []PointSpec, open func(context.Context, Host, C) (Sensor, error)) Driver {
	return Driver{
		Name:   name,
		Config: func() any { c := defaults; return &c },
		Points: func(c any) []PointSpec { return points(*c.(*C)) },
		Open: func(ctx context.Context, h Host, c any) (Sensor, error) {
			s, err := open(ctx, h, *c.(*C))
			if err != nil {
				return nil, fmt.Errorf("%s: open: %w", name, err)
			}
			return s, nil
		},
	}
}

// DefineScanner is Define for devices that speak by themselves.
func DefineScanner[C any](name string, defaults C, points func(C) []PointSpec, open func(context.Context, Host, C) (Scanner, error)) ScannerDriver {
	return ScannerDriver{
		Name:   name,
		Config: func() any { c := defaults; return &c },
		Points: func(c any) []PointSpec {
			if points == nil {
				return nil
			}
			return points(*c.(*C))
		},
		Open: func(ctx context.Context, h Host, c any) (Scanner, error) {
			s, err := open(ctx, h, *c.(*C))
			if err != nil {
				return nil, fmt.Errorf("%s: open: %w", name, err)
			}
			return s, nil
		},
	}
}
