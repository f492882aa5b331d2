package views

import "strings"

// Snippet is code that receives and verifies a webhook in one language.
type Snippet struct {
	ID       string
	Language string
	Install  string
	Code     string
}

// Snippets are whole receivers that verify by Standard Webhooks 1.0.0, turn
// test events away and act on one event type: Go and Node with the official
// libraries, Python with its standard library alone. The secret comes from the
// environment variable WEBHOOK_SECRET. The README shows the same text.
func Snippets(eventType string) []Snippet {
	fill := strings.NewReplacer("EVENT_TYPE", eventType).Replace
	return []Snippet{
		{"go", "Go", "go get github.com/standard-webhooks/standard-webhooks/libraries", fill(goSnippet)},
		{"node", "Node", "npm install standardwebhooks", fill(nodeSnippet)},
		{"python", "Python", "# nothing to install", fill(pythonSnippet)},
	}
}

const goSnippet = `package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	verifier, err := standardwebhooks.NewWebhook(os.Getenv("WEBHOOK_SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("POST /hooks", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || verifier.Verify(body, r.Header) != nil {
			http.Error(w, "signature refused", http.StatusUnauthorized)
			return
		}
		var event struct {
			ID   string
			Type string
			Test bool
			Data json.RawMessage
		}
		if err := json.Unmarshal(body, &event); err != nil {
			http.Error(w, "not an event", http.StatusBadRequest)
			return
		}
		if event.Test { // in production
			http.Error(w, "no test events here", http.StatusForbidden)
			return
		}
		if event.Type == "EVENT_TYPE" {
			log.Printf("%s: %s", event.ID, event.Data)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", nil))
}
`

const nodeSnippet = `import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const verifier = new Webhook(process.env.WEBHOOK_SECRET);

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    if ((size += chunk.length) > 1 << 20) throw new Error("too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

createServer(async (request, response) => {
  let event;
  try {
    event = verifier.verify(await read(request), request.headers);
  } catch {
    return response.writeHead(401).end("signature refused");
  }
  if (event.test) { // in production
    return response.writeHead(403).end("no test events here");
  }
  if (event.type === "EVENT_TYPE") console.log(event.id, event.data);
  response.writeHead(204).end();
}).listen(8080, "127.0.0.1");
`

const pythonSnippet = `import base64
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
TOLERANCE = 5 * 60  # seconds, to either side


def verify(headers, body):
    """The event of a delivery, or ValueError (Standard Webhooks 1.0.0)."""
    event_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if abs(time.time() - int(timestamp)) > TOLERANCE:
        raise ValueError("too old or too new")
    signed = f"{event_id}.{timestamp}.".encode() + body
    wanted = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256))
    for signature in headers.get("webhook-signature", "").split():
        version, _, given = signature.partition(",")
        if version == "v1" and hmac.compare_digest(given.encode(), wanted):
            return json.loads(body)
    raise ValueError("no signature matches")


class Hooks(BaseHTTPRequestHandler):
    def do_POST(self):
        size = int(self.headers.get("content-length", 0))
        if not 0 < size <= 1 << 20:
            return self.answer(413)
        try:
            event = verify(self.headers, self.rfile.read(size))
        except ValueError:
            return self.answer(401)
        if event.get("test"):  # in production
            return self.answer(403)
        if event["type"] == "EVENT_TYPE":
            print(event["id"], event["data"], flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", 8080), Hooks).serve_forever()
`
