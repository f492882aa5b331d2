// Signs requests as providers do, and takes them as their receivers do, each by the
// provider's own package.
//
//   POST /sign/<package>     {secret, url, id, time, body}: returns {url, headers}
//   POST /receive/<package>?secret=...: returns 204 if the package verifies the
//                            request, and else 400 with the reason
//
// It prints its URL, and ends when its standard input does.
import { createServer } from "node:http";
import { sign as signGitHub, verify as verifyGitHub } from "@octokit/webhooks-methods";
import { Webhook as StandardWebhook } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as Svix } from "svix";
import twilio from "twilio";

const sign = {
  async stripe({ secret, time, body }) {
    return { "Stripe-Signature": Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: time }) };
  },
  async "@octokit/webhooks-methods"({ secret, body }) {
    return { "X-Hub-Signature-256": await signGitHub(secret, body) };
  },
  async svix({ secret, id, time, body }) {
    return { "svix-id": id, "svix-timestamp": String(time), "svix-signature": new Svix(secret).sign(id, new Date(time * 1000), body) };
  },
  async standardwebhooks({ secret, id, time, body }) {
    return { "webhook-id": id, "webhook-timestamp": String(time), "webhook-signature": new StandardWebhook(secret).sign(id, new Date(time * 1000), body) };
  },
  // A form is signed by its fields, anything else by its hash in the URL.
  async twilio(request) {
    let fields = {};
    if (request.body.startsWith("{")) {
      request.url += (request.url.includes("?") ? "&" : "?") + "bodySHA256=" + twilio.getExpectedBodyHash(request.body);
    } else {
      fields = Object.fromEntries(new URLSearchParams(request.body));
    }
    return { "X-Twilio-Signature": twilio.getExpectedTwilioSignature(request.secret, request.url, fields) };
  },
};

const verify = {
  async stripe(body, headers, secret) {
    Stripe.webhooks.constructEvent(body, headers["stripe-signature"], secret);
  },
  async "@octokit/webhooks-methods"(body, headers, secret) {
    if (!(await verifyGitHub(secret, body.toString(), headers["x-hub-signature-256"] ?? ""))) throw new Error("the signature is wrong");
  },
  async svix(body, headers, secret) {
    new Svix(secret).verify(body, headers);
  },
  async standardwebhooks(body, headers, secret) {
    new StandardWebhook(secret).verify(body, headers);
  },
};

async function take(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const server = createServer(async (request, response) => {
  try {
    const url = new URL(request.url, "http://localhost");
    const [, what, ...rest] = decodeURIComponent(url.pathname).split("/");
    const name = rest.join("/");
    const body = await take(request);
    if (what === "sign") {
      const wanted = JSON.parse(body);
      const headers = await sign[name](wanted);
      response.end(JSON.stringify({ url: wanted.url, headers }));
      return;
    }
    await verify[name](body, request.headers, url.searchParams.get("secret"));
    response.writeHead(204).end();
  } catch (error) {
    response.writeHead(400).end(String(error.message));
  }
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.resume().on("end", () => process.exit(0));
