package acceptance

import (
	_ "embed"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

//go:embed testdata/crawl.js
var crawlScript string

const (
	// alike is how many pages that differ in their rows alone are looked at, and
	// alikeQueries how many that differ in the values of a query.
	alike        = 2
	alikeQueries = 1
	// mostPages bounds a walk: more says that pages lead on without end.
	mostPages = 90
)

// looked is where a page leads to.
type looked struct {
	Status int
	Links  []string
	Parts  []string
	Forms  []button
	Dead   []string
}

// button sends a form.
type button struct {
	Action, Name, Value string

	page string // on which it stands
}

// crawl is a walk through every page that somebody is led to.
type crawl struct {
	*visitor
	place *place
	seen  map[string]int    // how many of a kind
	from  map[string]string // which page led to an address
	queue []string
	press map[string]button
}

// walk looks at the pages from some on, until nothing new is linked.
func (c *crawl) walk(from ...string) {
	c.seen, c.from, c.press = map[string]int{}, map[string]string{}, map[string]button{}
	for _, path := range from {
		c.add(c.place.server.url+path, "the start")
		c.queue = append(c.queue, c.place.server.url+path)
	}
	pages := 0
	for ; len(c.queue) > 0; pages++ {
		if pages == mostPages {
			c.t.Fatalf("more than %d pages: %v", mostPages, slices.Sorted(maps.Keys(c.seen)))
		}
		address := c.queue[0]
		c.queue = c.queue[1:]
		if file, _, _ := strings.Cut(c.kind(address), "?"); slices.ContainsFunc([]string{".csv", ".json", ".ndjson", "/:req/body"}, func(end string) bool { return strings.HasSuffix(file, end) }) {
			c.opens(address, `{}`)
			continue
		}
		c.look(address)
	}
	c.t.Logf("%d pages, %d kinds of buttons", pages, len(c.press))
}

func (c *crawl) add(address, from string) bool {
	kind := c.kind(address)
	most := alike
	if strings.Contains(kind, "?") {
		most = alikeQueries
	}
	if _, known := c.from[address]; known || c.seen[kind] >= most {
		return false
	}
	c.seen[kind]++
	c.from[address] = from
	return true
}

func (c *crawl) look(address string) {
	c.t.Helper()
	if err := chromedp.Do(c, chromedp.Navigate(address)); err != nil {
		c.t.Fatalf("%s leads to %s: %v; %s", c.from[address], address, err, c.sight())
	}
	page, err := chromedp.Run(c, chromedp.Evaluate[looked](crawlScript+"\nlook()"))
	if err != nil {
		c.t.Fatal(address, err)
	}
	if page.Status >= 400 {
		c.t.Errorf("%s leads to %s, which answers %d", c.from[address], address, page.Status)
	}
	for _, dead := range page.Dead {
		c.t.Errorf("%s has a button that does nothing: %s", address, dead)
	}
	for _, link := range page.Links {
		if c.add(link, address) {
			c.queue = append(c.queue, link)
		}
	}
	for _, part := range page.Parts {
		if c.add(part, address+" (as a part)") {
			c.opens(part, `{"HX-Request": "true"}`)
		}
	}
	for _, b := range page.Forms {
		key := c.kind(b.Action) + " " + b.Name + "=" + b.Value
		if _, known := c.press[key]; !known {
			b.page = address
			c.press[key] = b
		}
	}
}

func (c *crawl) opens(address, headers string) {
	c.t.Helper()
	status, err := chromedp.Run(c, chromedp.Evaluate[int](fmt.Sprintf("%s\nopens(%s, %s)", crawlScript, quoted(address), headers), chromedp.EvalAwaitPromise))
	if err != nil || status >= 400 {
		c.t.Errorf("%s leads to %s, which answers %d %v", c.from[address], address, status, err)
	}
}

// presses presses one button of every kind, those after which others are gone
// at the end. That a form wants something else (422) or that a row is in
// another state (409) is no refusal.
func (c *crawl) presses() {
	keys := slices.Collect(maps.Keys(c.press))
	slices.SortFunc(keys, func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	// A live page would complain when its organization or session is gone.
	c.do(chromedp.Navigate(c.place.server.url + "/static/favicon.svg"))
	count := 0
	for i, key := range keys {
		b := c.press[key]
		given := fmt.Sprintf(`{password: %q, receiver: %q, email: "crawl-%d@example.com"}`, crawlPassword, c.place.receiver, i)
		do := chromedp.Evaluate[pressed](fmt.Sprintf("%s\npress(%s, %s, %s, %s, %s)", crawlScript, quoted(b.page), quoted(b.Action), quoted(b.Name), quoted(b.Value), given), chromedp.EvalAwaitPromise)
		answer, err := chromedp.Run(c, do)
		if err != nil && strings.Contains(err.Error(), "Failed to fetch") {
			// A browser does not repeat a POST by itself whose kept connection was
			// closed as it went out; whoever sits before it does.
			answer, err = chromedp.Run(c, do)
		}
		switch {
		case err != nil:
			c.t.Fatalf("%s: %v", key, err)
		case answer.Status >= 400 && answer.Status != 409 && answer.Status != 422, answer.At == "/login" && rank(key) < signsOut:
			c.t.Errorf("%s has the button %s, which is answered %d at %s", b.page, key, answer.Status, answer.At)
		case answer.Status != 0:
			count++
			if answer.Status >= 400 {
				c.t.Logf("%s: %d", key, answer.Status)
			}
		}
	}
	c.t.Logf("%d buttons pressed", count)
	if count < len(keys)*3/4 {
		c.t.Errorf("only %d of %d buttons were still there", count, len(keys))
	}
}

// pressed is what came of a button; Status is 0 where it was gone.
type pressed struct {
	Status int
	At     string
}

// signsOut is the rank of what ends the session.
const signsOut = 5

// rank is how much is gone after a button.
func rank(key string) int {
	path, _, _ := strings.Cut(key, " ")
	for _, last := range []struct {
		suffix string
		rank   int
	}{{"/logout", 6}, {"/team/leave", signsOut}, {"/settings/delete", 4}, {"/transfer", 3}, {"/delete", 2},
		{"/remove", 1}, {"/pause", 1}, {"/end", 1}, {"/revoke", 1}, {"/disable", 1}} {
		if strings.HasSuffix(path, last.suffix) {
			return last.rank
		}
	}
	return 0
}

var (
	rowID = regexp.MustCompile(`/([a-z]{2,4})_[0-9a-z-]+`)
	ofOrg = regexp.MustCompile(`^/o/[^/]+`)
	dotty = regexp.MustCompile(`/catalog/[^/]+$`)
)

// kind is an address without what differs from row to row.
func (c *crawl) kind(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		c.t.Fatal(err)
	}
	path := dotty.ReplaceAllString(rowID.ReplaceAllString(ofOrg.ReplaceAllString(u.Path, "/o/:org"), "/:$1"), "/catalog/:type")
	if names := slices.Sorted(maps.Keys(u.Query())); len(names) > 0 {
		path += "?" + strings.Join(names, "&")
	}
	return path
}

// wants fails for pages and buttons that the walk should have come by.
func (c *crawl) wants(pages, buttons []string) {
	c.t.Helper()
	for _, page := range pages {
		if c.seen[page] == 0 {
			c.t.Errorf("nothing leads to %s: %v", page, slices.Sorted(maps.Keys(c.seen)))
		}
	}
	for _, b := range buttons {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(c.press)), func(key string) bool { return strings.HasPrefix(key, b+" ") }) {
			c.t.Errorf("nothing sends %s: %v", b, slices.Sorted(maps.Keys(c.press)))
		}
	}
}

// TestCrawl walks through every page as everybody, in a real browser, by what
// the pages themselves show: no link, part or button of theirs leads to a
// refusal, and the console stays silent.
func TestCrawl(t *testing.T) {
	p := furnish(t)
	receive := []string{"/o/:org/sources", "/o/:org/sources/:src", "/o/:org/requests", "/o/:org/requests/:req"}
	see := []string{"/o/:org", "/o/:org/endpoints/:ep", "/o/:org/events/:evt", "/o/:org/deliveries/:dlv", "/o/:org/catalog/:type"}
	people := []string{"/o/:org/team", "/o/:org/team/:mem", "/account", "/account/two-factor", "/orgs"}
	operate := []string{"/o/:org/endpoints/:ep/test", "/o/:org/endpoints/:ep/recover"}
	endpoints := []string{"/o/:org/endpoints/new", "/o/:org/endpoints/:ep/edit", "/o/:org/endpoints/:ep/secret"}
	administer := append(slices.Clone(endpoints), "/o/:org/sources/new", "/o/:org/sources/:src/edit", "/o/:org/sources/:src/mappings", "/o/:org/sources/:src/secrets", "/o/:org/keys", "/o/:org/audit", "/o/:org/audit/export.csv", "/o/:org/requests/export.ndjson", "/o/:org/settings")
	resend := []string{"/o/:org/deliveries/:dlv/resend", "/o/:org/deliveries/resend"}
	change := append(slices.Clone(resend), "/o/:org/endpoints", "/o/:org/endpoints/:ep/disable", "/o/:org/endpoints/:ep/delete")
	rule := append(slices.Clone(change), "/o/:org/sources/:src/pause", "/o/:org/sources/:src/sample", "/o/:org/sources/:src/delete", "/o/:org/keys", "/o/:org/keys/:key/revoke", "/o/:org/invitations", "/o/:org/invitations/:inv/revoke", "/o/:org/settings")
	for _, who := range []struct {
		name    string
		enter   func(v *visitor)
		start   []string
		pages   []string
		buttons []string
	}{
		{"guest", p.signsIn("guest"), []string{"/", "/account"}, slices.Concat(see, receive, people), []string{"/o/:org/team/leave", "/logout"}},
		{"member", p.signsIn("member"), []string{"/", "/account"}, slices.Concat(see, receive, people, operate), resend},
		{"admin_of_a_portal", p.byPortal("admin"), []string{"/"}, slices.Concat(see, operate, endpoints), change},
		{"admin", p.signsIn("admin"), []string{"/", "/account"}, slices.Concat(see, receive, people, operate, administer), rule},
		{"owner", p.signsIn("owner"), []string{"/", "/account"}, slices.Concat(see, receive, people, operate, administer), append(slices.Clone(change), "/o/:org/keys", "/o/:org/invitations", "/o/:org/settings/delete")},
	} {
		t.Run(who.name, func(t *testing.T) {
			c := &crawl{visitor: newVisitor(t), place: p}
			who.enter(c.visitor)
			c.walk(who.start...)
			c.wants(who.pages, who.buttons)
			c.presses()
			c.silent()
		})
	}
}
