package main

import (
	"cmp"
	"errors"
	"net"
	"syscall"

	"hookwell/ops"
)

// startOps answers an operator's requests on an address of their own, from the
// start of the workers on. An address that was set and can't be had is an
// error; the usual one may be another process's, and then deliveries matter more.
func (a *app) startOps() error {
	if a.config.OpsAddr == opsOff {
		return nil
	}
	listener, err := net.Listen("tcp", cmp.Or(a.config.OpsAddr, usualOpsAddr))
	if a.config.OpsAddr == "" && errors.Is(err, syscall.EADDRINUSE) {
		a.config.log.Warn("HOOKWELL_OPS_ADDR: " + usualOpsAddr + " is taken, so this process has no metrics and no details of readiness; set another address, or off")
		return nil
	}
	if err != nil {
		return wrong("HOOKWELL_OPS_ADDR", "%w; set another address, or off", err)
	}
	options := ops.Options{Store: a.store, Redis: a.redis.UniversalClient, Queue: a.queue, Probe: a.probe, Metrics: a.metrics, Log: a.config.log, Version: version(), Embedded: a.config.embedded}
	if a.workers != nil {
		options.Workers = a.workers
	}
	a.ops = ops.New(options)
	a.config.log.Info("operations", "address", "http://"+listener.Addr().String())
	go func() {
		if err := a.ops.Serve(listener); err != nil {
			a.config.log.Error("serving operations", "error", err)
		}
	}()
	return nil
}
