package views

import "strings"

// Snippet is code that receives and verifies a webhook in one language.
type Snippet struct {
	ID       string
	Language string
	Install  string
	Code     string
}

// Snippets are whole receivers that verify with the official Standard Webhooks
// libraries, turn test events away and act on one event type. The secret comes
// from the environment variable HOOKWELL_SECRET.
func Snippets(eventType string) []Snippet {
	fill := strings.NewReplacer("EVENT_TYPE", eventType).Replace
	return []Snippet{
		{"go", "Go", "go get github.com/standard-webhooks/standard-webhooks/libraries", fill(goSnippet)},
		{"node", "Node", "npm install standardwebhooks", fill(nodeSnippet)},
		{"python", "Python", "pip install standardwebhooks", fill(pythonSnippet)},
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
	verifier, err := standardwebhooks.NewWebhook(os.Getenv("HOOKWELL_SECRET"))
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

const verifier = new Webhook(process.env.HOOKWELL_SECRET);

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  let event;
  try {
    event = verifier.verify(Buffer.concat(chunks).toString(), request.headers);
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

const pythonSnippet = `import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks.webhooks import Webhook

verifier = Webhook(os.environ["HOOKWELL_SECRET"])


class Hooks(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            event = verifier.verify(body.decode(), dict(self.headers))
        except Exception:
            return self.answer(401)
        if event.get("test"):  # in production
            return self.answer(403)
        if event["type"] == "EVENT_TYPE":
            print(event["id"], event["data"])
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()


HTTPServer(("127.0.0.1", 8080), Hooks).serve_forever()
`
