package web

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// browser keeps cookies, follows no redirect, and says of its requests what
// browsers say.
type browser struct {
	site   *site
	client *http.Client
	email  string
	home   string // the page that has a token, if it isn't the list of organizations
}

func (s *site) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{site: s, client: &http.Client{Jar: jar, Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// shown is a response that was read.
type shown struct {
	*http.Response
	body string
	doc  *goquery.Document
}

// text is what the page says at a selector.
func (a *shown) text(selector string) string {
	return strings.Join(strings.Fields(a.doc.Find(selector).Text()), " ")
}

func (b *browser) do(t *testing.T, request *http.Request) *shown {
	t.Helper()
	response, err := b.client.Do(request.WithContext(t.Context()))
	must(t, err)
	defer response.Body.Close()
	a := &shown{Response: response}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		return a // it would not end
	}
	body, err := io.ReadAll(response.Body)
	must(t, err)
	a.body = string(body)
	a.doc, err = goquery.NewDocumentFromReader(bytes.NewReader(body))
	must(t, err)
	return a
}

func (b *browser) request(t *testing.T, method, path string, form url.Values, header ...string) *http.Request {
	t.Helper()
	request, err := http.NewRequest(method, b.site.url+path, strings.NewReader(form.Encode()))
	must(t, err)
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if unsafe(method) {
		request.Header.Set("Origin", b.site.url)
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	return request
}

func (b *browser) get(t *testing.T, path string, header ...string) *shown {
	t.Helper()
	return b.do(t, b.request(t, http.MethodGet, path, nil, header...))
}

// token is the token of a page that was just opened.
func (b *browser) token(t *testing.T) string {
	t.Helper()
	page := b.get(t, cmp.Or(b.home, "/orgs"))
	if page.StatusCode != http.StatusOK {
		page = b.get(t, "/login")
	}
	token, ok := page.doc.Find("input[name=_csrf]").Attr("value")
	if !ok {
		t.Fatalf("no token on %s: %s", page.Request.URL, page.body)
	}
	return token
}

// post sends a form of a page that was just opened.
func (b *browser) post(t *testing.T, path string, form url.Values, header ...string) *shown {
	t.Helper()
	sent := url.Values{"_csrf": {b.token(t)}}
	for name, values := range form {
		sent[name] = values
	}
	if page := versionedPage.FindStringSubmatch(path); page != nil && !sent.Has("version") {
		form := b.get(t, cmp.Or(page[1], path)).doc.Find("form[action='" + path + "'] input[name=version]")
		sent.Set("version", form.AttrOr("value", ""))
	}
	return b.do(t, b.request(t, http.MethodPost, path, sent, header...))
}

// versionedPage are the paths of forms that carry a version, with their page where
// that is another.
var versionedPage = regexp.MustCompile(`^(?:/account|/o/[^/]+/settings|/o/[^/]+/endpoints/[^/]+/edit|/o/[^/]+/sources/[^/]+/(?:edit|mappings)|(/o/[^/]+/team/[^/]+)/(?:role|title))$`)

func (b *browser) signIn(t *testing.T) {
	t.Helper()
	a := b.post(t, "/login", url.Values{"email": {b.email}, "password": {password}})
	wantStatus(t, a, http.StatusSeeOther)
}

// cookie is the value of a cookie, empty when there is none.
func (b *browser) cookie(t *testing.T, name string) string {
	t.Helper()
	address, err := url.Parse(b.site.url)
	must(t, err)
	for _, cookie := range b.client.Jar.Cookies(address) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

func wantStatus(t *testing.T, a *shown, status int) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d: %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, status, a.text("main, body"))
	}
}

func wantLocation(t *testing.T, a *shown, location string) {
	t.Helper()
	wantStatus(t, a, http.StatusSeeOther)
	if got := a.Header.Get("Location"); got != location {
		t.Fatalf("%s %s leads to %q, want %q", a.Request.Method, a.Request.URL, got, location)
	}
}
