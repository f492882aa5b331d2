package testenv

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browserLimit bounds what one test does in its browser, so that a page that
// never shows what is awaited fails its own test and not the whole run.
const browserLimit = 2 * time.Minute

// Chromium returns the path of a Chromium or Chrome, chromium-headless-shell
// before others.
func Chromium(t testing.TB) string {
	t.Helper()
	path, err := chromiumNeed().path(t.Context())
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	return path
}

// Browser returns a chromedp context with a tab of this test's own, in a fresh
// profile (no cookies, no storage), of a browser that the tests of this process
// share. It reaches localhost and 127.0.0.1 alone. The tab is closed when the
// test ends; the context ends two minutes after this call.
func Browser(t testing.TB) context.Context {
	t.Helper()
	browser, err := shared.browser.get(func() (*browserProcess, error) { return startBrowser(context.Background()) })
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	tab, closeTab := chromedp.NewContext(browser.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(closeTab)
	// The tab lives as long as the context of its first use, so that comes
	// before the limit.
	if err := chromedp.Do(tab); err != nil {
		t.Fatalf("testenv: opening a tab: %v", err)
	}
	limited, cancel := context.WithTimeout(tab, browserLimit)
	t.Cleanup(cancel)
	return limited
}

// browserProcess is a running browser; its context is the parent of all tabs.
type browserProcess struct {
	ctx    context.Context
	cancel context.CancelFunc
	folder *folder
}

func startBrowser(ctx context.Context) (*browserProcess, error) {
	program, err := chromiumNeed().path(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := newFolder("", "browser", "TERM")
	if err != nil {
		return nil, err
	}
	// The allocator ties the browser's life to this process's by itself.
	allocator, cancel := chromedp.NewExecAllocator(ctx, browserOptions(program, folder.path)...)
	b := &browserProcess{cancel: cancel, folder: folder}
	b.ctx, _ = chromedp.NewContext(allocator)
	if err := chromedp.Do(b.ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", program, err), b.close())
	}
	return b, nil
}

func browserOptions(program, folder string) []chromedp.ExecAllocatorOption {
	return append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		chromedp.UserDataDir(filepath.Join(folder, "profile")),
		// Containers lack what the sandbox needs, and the pages are our own.
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		// Chromium sets these two while it starts, and a new name moves the
		// environment under another thread that reads it: one start in some
		// two hundred ended in getenv, with a segmentation fault. A name that is
		// there already is set in place.
		chromedp.Env("DBUS_SESSION_BUS_ADDRESS=disabled:", "FC_FONTATIONS=1"),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1"),
	)
}

func (b *browserProcess) close() error {
	b.cancel()
	return b.folder.remove()
}
