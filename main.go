// Hookwell sends webhooks: it signs what a product reports, delivers it to
// every endpoint that registered for it, retries until it arrives, and shows
// every attempt.
package main

import "hookwell/internal/cli"

func main() { cli.Main() }
