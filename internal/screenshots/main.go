// Command screenshots takes a picture of every page of a running Hookwell,
// light and dark, wide and narrow, to be laid beside the design.
//
//	go run ./internal/screenshots -url http://127.0.0.1:3000 -email E -password P -out shots -browser /usr/bin/chromium
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var (
	address  = flag.String("url", "http://127.0.0.1:3000", "where Hookwell runs")
	email    = flag.String("email", "demo@example.com", "the account")
	password = flag.String("password", "", "its password")
	out      = flag.String("out", "shots", "the folder for the pictures")
	only     = flag.String("only", "", "the name of one page; empty is all")
	browser  = flag.String("browser", "", "the browser; empty is the first on the PATH")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("hide-scrollbars", true))
	if *browser != "" {
		options = append(options, chromedp.ExecPath(*browser))
	}
	limited, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	allocator, cancel := chromedp.NewExecAllocator(limited, options...)
	defer cancel()
	ctx, cancel := chromedp.NewContext(allocator)
	defer cancel()
	for _, page := range []string{"login", "signup", "forgot", "nowhere"} {
		if *only != "" && page != *only {
			continue
		}
		if err := shoot(ctx, page, *address+"/"+page); err != nil {
			return err
		}
	}
	pages, err := signIn(ctx)
	if err != nil {
		return err
	}
	for name, url := range pages {
		if *only != "" && name != *only {
			continue
		}
		if err := shoot(ctx, name, url); err != nil {
			return err
		}
	}
	return nil
}

// signIn signs in and finds one page of each kind.
func signIn(ctx context.Context) (map[string]string, error) {
	err := chromedp.Do(ctx, chromedp.Navigate(*address+"/login"), chromedp.SendKeys(chromedp.CSS("input[name=email]"), *email),
		chromedp.SendKeys(chromedp.CSS("input[name=password]"), *password), chromedp.Click(chromedp.CSS("button[type=submit]")),
		chromedp.WaitReady(chromedp.CSS("a[href^='/o/']")))
	if err != nil {
		return nil, fmt.Errorf("signing in: %w", err)
	}
	org, err := first(ctx, *address+"/orgs", "a[href^='/o/']")
	if err != nil {
		return nil, err
	}
	org = strings.TrimSuffix(org, "/endpoints")
	pages := map[string]string{"orgs": *address + "/orgs", "overview": org, "overview-30d": org + "?period=30d", "endpoints": org + "/endpoints", "endpoint-new": org + "/endpoints/new",
		"deliveries": org + "/deliveries", "deliveries-failed": org + "/deliveries?state=failed", "deliveries-none": org + "/deliveries?state=cancelled",
		"events": org + "/events", "events-test": org + "/events?origin=test",
		"catalog": org + "/catalog", "catalog-schema": org + "/catalog/payment.failed?tab=schema", "catalog-verify": org + "/catalog/payment.failed?tab=verify", "keys": org + "/keys",
		"audit": org + "/audit", "reference": *address + "/docs/api", "team": org + "/team", "leave": org + "/team/leave", "settings": org + "/settings",
		"sources": org + "/sources", "source-new": org + "/sources/new", "source-new-stripe": org + "/sources/new?provider=stripe", "source-new-hmac": org + "/sources/new?provider=generic_hmac",
		"requests": org + "/requests", "account": *address + "/account", "two-factor": *address + "/account/two-factor"}
	if pages["endpoint"], err = first(ctx, org+"/endpoints", "tbody a.rowlink"); err != nil {
		return nil, err
	}
	if pages["member"], err = first(ctx, org+"/team", "tbody a.rowlink"); err != nil {
		return nil, err
	}
	if pages["source"], err = first(ctx, org+"/sources", "tbody a.rowlink"); err != nil {
		return nil, err
	}
	for _, part := range []string{"edit", "mappings", "secrets"} {
		pages["source-"+part] = pages["source"] + "/" + part
	}
	if pages["event"], err = first(ctx, org+"/events", "tbody a.rowlink"); err != nil {
		return nil, err
	}
	pages["remove"] = pages["member"] + "/remove"
	for _, part := range []string{"edit", "secret", "test", "recover"} {
		pages["endpoint-"+part] = pages["endpoint"] + "/" + part
	}
	for state, name := range map[string]string{"failed": "delivery-failed", "delivered": "delivery-delivered"} {
		if pages[name], err = first(ctx, org+"/deliveries?state="+state, "tbody a.rowlink"); err != nil {
			return nil, err
		}
	}
	return pages, nil
}

// first returns where the first such link on a page leads.
func first(ctx context.Context, url, selector string) (string, error) {
	if err := chromedp.Do(ctx, chromedp.Navigate(url), chromedp.WaitReady(chromedp.CSS(selector))); err != nil {
		return "", fmt.Errorf("%s: %w", url, err)
	}
	return chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q).href", selector)))
}

func shoot(ctx context.Context, name, url string) error {
	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 390} {
			media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}}
			if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
				return err
			}
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 800), chromedp.Navigate(url), chromedp.WaitReady(chromedp.CSS("main"))); err != nil {
				return fmt.Errorf("%s: %w", url, err)
			}
			picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			if err != nil {
				return fmt.Errorf("%s: %w", url, err)
			}
			if err := os.WriteFile(filepath.Join(*out, fmt.Sprintf("%s-%s-%d.png", name, theme, width)), picture, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
