// Command seed fills an empty database with a made-up past: organizations,
// endpoints, and deliveries over some weeks as they would have been. It is for
// looking at pages, and measuring, at the size that an installation grows to.
//
//	go run ./internal/seed -database postgres://... -deliveries 10000000 -days 30
//	go run ./internal/seed -sqlite data/hookwell.db -deliveries 20000
//
// Endpoints lead to port 9 of this machine, where nothing listens: whatever a
// worker sends on goes nowhere.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"flag"
	"fmt"
	"log"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"time"

	"hookwell/models/database"
	"hookwell/models/pipeline"
	"hookwell/models/store"
	"hookwell/webhook"
)

const day = 24 * time.Hour

// order is what is asked for.
type order struct {
	database, sqlite, secretKey, email, password string
	deliveries, days, organizations, endpoints   int
	seed                                         uint64
}

func main() {
	time.Local = time.UTC
	var o order
	flag.StringVar(&o.database, "database", "", "the Postgres to fill, as DATABASE_URL; one that Hookwell has not used yet")
	flag.StringVar(&o.sqlite, "sqlite", "", "instead of it, the file of an embedded database")
	flag.StringVar(&o.secretKey, "secret-key", "", "HOOKWELL_SECRET_KEY of the server that will use it; empty makes one and prints it")
	flag.IntVar(&o.deliveries, "deliveries", 10_000_000, "how many deliveries")
	flag.IntVar(&o.days, "days", 30, "over how many days up to now")
	flag.IntVar(&o.organizations, "organizations", 8, "how many organizations; the first gets the largest share")
	flag.IntVar(&o.endpoints, "endpoints", 12, "how many endpoints each of them has")
	flag.StringVar(&o.email, "email", "demo@example.com", "an account that owns the first organization")
	flag.StringVar(&o.password, "password", "", "its password; empty makes one and prints it")
	flag.Uint64Var(&o.seed, "seed", 1, "the same seed gives the same mix")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.run(ctx); err != nil {
		log.Fatal("seed: ", err)
	}
}

func (o *order) check() error {
	switch {
	case (o.database == "") == (o.sqlite == ""):
		return fmt.Errorf("name the database by -database or by -sqlite")
	case o.deliveries < 1 || o.days < 1 || o.organizations < 1 || o.endpoints < 1:
		return fmt.Errorf("-deliveries, -days, -organizations and -endpoints begin at 1")
	}
	if o.password == "" {
		o.password = rand.Text()[:20]
	}
	if o.secretKey == "" {
		key := make([]byte, 32)
		rand.Read(key)
		o.secretKey = base64.StdEncoding.EncodeToString(key)
		fmt.Println("HOOKWELL_SECRET_KEY=" + o.secretKey)
	}
	return nil
}

func (o *order) run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	catalog, err := webhook.NewCatalog(nil)
	if err != nil {
		return err
	}
	vault, err := database.ParseVault(o.secretKey)
	if err != nil {
		return err
	}
	clock := &database.Clock{}
	store, err := store.Open(ctx, store.Options{DatabaseURL: o.database, SQLitePath: o.sqlite, Catalog: catalog, Vault: vault, Clock: clock,
		Guard: webhook.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
	if err != nil {
		return err
	}
	defer store.Close()
	if _, err := store.HasUsers(ctx); err == nil {
		return fmt.Errorf("the database is in use; seed one that Hookwell has not used yet")
	}
	began := time.Now()
	p, err := o.plan(ctx, store, clock)
	if err != nil {
		return fmt.Errorf("making organizations: %w", err)
	}
	writers := runtime.NumCPU()
	if o.sqlite != "" {
		writers = 1
	}
	if err := p.fill(ctx, store, writers); err != nil {
		return err
	}
	for n := pipeline.FullStep; n == pipeline.FullStep; {
		if n, err = store.Engine().RollUp(ctx); err != nil {
			return err
		}
	}
	if err := store.Engine().Analyze(ctx); err != nil {
		return err
	}
	fmt.Printf("%s in %s\nSign in as %s with the password %s\n", p.totals, time.Since(began).Round(time.Second), o.email, o.password)
	return nil
}
