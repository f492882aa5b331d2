package acceptance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"hookwell/internal/testenv"
)

// axeFindings runs axe-core on the page and returns a line for each element that
// breaks a rule.
const axeFindings = `axe.run(document, {resultTypes: ["violations"]}).then((found) =>
	found.violations.flatMap((rule) => rule.nodes.map((node) => rule.id + ": " + rule.help + ": " + node.target.join(" ") + ": " + node.html.slice(0, 200))))`

// accessible opens a page and fails for what axe-core finds on it: light and wide, dark
// on a phone. Nothing may stick out of the phone's screen.
func (v *visitor) accessible(axe, address string) {
	v.t.Helper()
	for _, look := range []struct {
		theme         string
		width, height int64
	}{{"light", 1280, 900}, {"dark", 360, 740}} {
		v.do(chromedp.EmulateViewport(look.width, look.height), chromedp.Navigate(address))
		status, err := chromedp.Run(v, chromedp.Evaluate[int](`document.documentElement.dataset.theme = "`+look.theme+`"; document.getAnimations().forEach((fading) => fading instanceof CSSTransition && fading.finish()); performance.getEntriesByType("navigation")[0].responseStatus`))
		if err != nil || status != 200 {
			v.t.Fatalf("%s answered %d, %v", address, status, err)
		}
		v.do(chromedp.Evaluate[chromedp.Void](axe))
		found, err := chromedp.Run(v, chromedp.Evaluate[[]string](axeFindings, chromedp.EvalAwaitPromise))
		if err != nil {
			v.t.Fatalf("axe.run() at %s: %v", address, err)
		}
		for _, line := range found {
			v.t.Errorf("%s (%s, %d px): %s", address, look.theme, look.width, line)
		}
		wide, err := chromedp.Run(v, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`))
		if err != nil || wide > look.width {
			v.t.Errorf("%s is %d px wide on a screen of %d px, %v", address, wide, look.width, err)
		}
	}
}

// TestAccessibility runs axe-core on pages with real content.
func TestAccessibility(t *testing.T) {
	t.Parallel()
	_, folder := testenv.NodePackages(t, "testdata/axe")
	axe, err := os.ReadFile(filepath.Join(folder, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	p := furnish(t)
	source, url := p.receives(t, "Stripe, looked at")
	for _, body := range []string{stripePaid, stripePaid, strings.Replace(strings.Replace(stripePaid, "4900", `"many"`, 1), "evt_1Live", "evt_4Live", 1), "\xff\x00\x01 no text", "first line\nsecond line"} {
		if status := stripeSigned(t, url, stripeSecret, strings.ReplaceAll(body, "1Live", "3Live")); status != 200 {
			t.Fatalf("the source answered %d", status)
		}
	}
	enter := func(t *testing.T) (v *visitor, home string) {
		v = newVisitor(t)
		p.signsIn("owner")(v)
		return v, v.location()
	}
	at := func(v *visitor, page, selector string) string {
		v.t.Helper()
		v.do(chromedp.Navigate(page), chromedp.WaitVisible(chromedp.CSS(selector)))
		href, err := chromedp.Run(v, chromedp.Evaluate[string](`document.querySelector(`+quoted(selector)+`).href`))
		if err != nil {
			v.t.Fatal(err)
		}
		return href
	}
	t.Run("sources", func(t *testing.T) {
		v, home := enter(t)
		v.do(chromedp.Navigate(home+"/sources/new?provider=github"), chromedp.Click(chromedp.CSS("main form.panel button[type=submit]")))
		v.sees("#source-setup", "Set up")
		fresh := v.location()
		for _, page := range []string{fresh, home + "/sources", home + "/sources/new", home + "/sources/new?provider=stripe", home + "/sources/" + source,
			home + "/sources/" + source + "/edit", home + "/sources/" + source + "/mappings", home + "/sources/" + source + "/secrets"} {
			v.accessible(string(axe), page)
		}
		v.silent()
	})
	t.Run("requests", func(t *testing.T) {
		v, home := enter(t)
		requests := home + "/requests"
		of := requests + "?source=" + source
		v.do(chromedp.Navigate(of + "&outcome=failed"))
		v.sees("#requests tbody tr", "mapping_failed")
		const row = "#requests tbody a.rowlink"
		became := at(v, requests+"?q=evt_3Live", row)
		pages := []string{requests, of, requests + "?state=refused", requests + "?q=nothing", requests + "/replay", became, became + "?body=raw", became + "?body=hex",
			at(v, of+"&state=refused", row), at(v, of+"&outcome=failed", row), at(v, of, "#requests tbody tr:nth-child(2) a.rowlink")}
		for _, page := range pages {
			v.accessible(string(axe), page)
		}
		v.do(chromedp.Navigate(requests+"/replay"), chromedp.SetValue(chromedp.CSS("input[name=perSecond]"), "1"), chromedp.Click(chromedp.CSS("main form.panel__body button[type=submit]")))
		v.sees("#replays", "Replaying")
		v.accessible(string(axe), requests)
		v.silent()
	})
	t.Run("sending", func(t *testing.T) {
		v, home := enter(t)
		for _, page := range []string{home, home + "/endpoints", home + "/events", home + "/deliveries", at(v, home+"/deliveries", "#deliveries tbody a.rowlink"), home + "/team", home + "/audit"} {
			v.accessible(string(axe), page)
		}
		v.silent()
	})
}
