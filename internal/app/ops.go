package app

import (
	"errors"
	"net"
	"syscall"

	"hookwell/internal/config"
	"hookwell/ops"
)

// startOps answers an operator's requests on an address of their own, from the
// start of the workers on. An address that was set and can't be had is an
// error; the usual one may be another process's, and then deliveries matter more.
func (a *App) startOps() error {
	c := a.config
	if c.OpsAddr == "" {
		return nil
	}
	listener, err := net.Listen("tcp", c.OpsAddr)
	if !c.OpsRequired && errors.Is(err, syscall.EADDRINUSE) {
		c.Log.Warn("HOOKWELL_OPS_ADDR: " + c.OpsAddr + " is taken, so this process has no metrics and no details of readiness; set another address, or off")
		return nil
	}
	if err != nil {
		return config.Wrong("HOOKWELL_OPS_ADDR", "%w; set another address, or off", err)
	}
	options := ops.Options{Store: a.store, Redis: a.redis.UniversalClient, Queue: a.queue, Probe: a.probe, Metrics: a.metrics, Log: c.Log, Version: Version(), Embedded: c.Embedded}
	if a.workers != nil {
		options.Workers = a.workers
	}
	a.ops = ops.New(options)
	c.Log.Info("operations", "address", "http://"+listener.Addr().String())
	go func() {
		if err := a.ops.Serve(listener); err != nil {
			c.Log.Error("serving operations", "error", err)
		}
	}()
	return nil
}
