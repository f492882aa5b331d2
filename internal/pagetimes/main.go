// Command pagetimes measures how long the pages of a running Hookwell take at
// the server: every page and filter, first and hundredth page, over HTTP.
//
//	go run ./internal/pagetimes -url http://127.0.0.1:3000 -email E -password P
//
// It prints the median and the 95th percentile of each as a Markdown table, and
// ends with status 1 when one is slower than -most.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"
)

var (
	address  = flag.String("url", "http://127.0.0.1:3000", "where Hookwell runs")
	email    = flag.String("email", "demo@example.com", "the account")
	password = flag.String("password", "", "its password")
	times    = flag.Int("n", 40, "how often each page is asked for")
	depth    = flag.Int("page", 100, "the page of each log that is measured besides the first")
	most     = flag.Duration("most", 0, "the 95th percentile that no page may exceed; 0 is any")
)

func main() {
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		log.Fatal("pagetimes: ", err)
	}
}

// page is one line of the table.
type page struct{ name, path string }

func run(ctx context.Context) error {
	v, err := signIn(ctx)
	if err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	pages, err := v.pages(ctx)
	if err != nil {
		return err
	}
	fmt.Println("| Page | p50 | p95 | bytes |\n| --- | --- | --- | --- |")
	slow := 0
	for _, p := range pages {
		took, size, err := v.measure(ctx, p.path)
		if err != nil {
			return err
		}
		p95 := took[len(took)*95/100]
		if *most > 0 && p95 > *most {
			slow++
		}
		fmt.Printf("| %s | %s | %s | %d |\n", p.name, milliseconds(took[len(took)/2]), milliseconds(p95), size)
	}
	if slow > 0 {
		fmt.Fprintf(os.Stderr, "%d of %d pages are slower than %s\n", slow, len(pages), *most)
		os.Exit(1)
	}
	return nil
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/1e6) }

// visitor is a signed-in browser of a kind.
type visitor struct {
	client *http.Client
	org    string // the path of the organization
}

func signIn(ctx context.Context) (*visitor, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	v := &visitor{client: &http.Client{Jar: jar}}
	form, err := v.document(ctx, "/login")
	if err != nil {
		return nil, err
	}
	token, _ := form.Find("input[name=_csrf]").Attr("value")
	fields := url.Values{"_csrf": {token}, "email": {*email}, "password": {*password}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, *address+"/login", strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", *address)
	answer, err := v.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New(answer.Status)
	}
	chooser, err := v.document(ctx, "/orgs")
	if err != nil {
		return nil, err
	}
	link, ok := chooser.Find("a[href^='/o/']").First().Attr("href")
	if !ok {
		return nil, errors.New("the account has no organization")
	}
	v.org = "/o/" + strings.Split(link, "/")[2]
	return v, nil
}

func (v *visitor) get(ctx context.Context, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, *address+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := v.client.Do(request)
	if err == nil && answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		err = fmt.Errorf("%s: %s", path, answer.Status)
	}
	return answer, err
}

func (v *visitor) document(ctx context.Context, path string) (*goquery.Document, error) {
	answer, err := v.get(ctx, path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return goquery.NewDocumentFromReader(answer.Body)
}

// measure asks for a page again and again and answers the sorted times from the
// request to the last byte, and the bytes.
func (v *visitor) measure(ctx context.Context, path string) (took []time.Duration, size int64, err error) {
	for range *times {
		began := time.Now()
		answer, err := v.get(ctx, path)
		if err != nil {
			return nil, 0, err
		}
		size, err = io.Copy(io.Discard, answer.Body)
		if err := cmp.Or(err, answer.Body.Close()); err != nil {
			return nil, 0, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took, size, nil
}
