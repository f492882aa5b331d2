// What the crawl asks of a page in the browser.

// within is an address of this server's, without its fragment; else "".
function within(address, base) {
  const url = new URL(address, base);
  url.hash = "";
  return url.origin === location.origin ? url.href : "";
}

function pressable(form) {
  return [...form.elements].filter((element) => element.type === "submit" && !element.disabled);
}

function destination(form, button, base) {
  return within(button.getAttribute("formaction") || form.getAttribute("action") || base, base);
}

// look is where a page leads to: by its links, its parts, and its buttons.
function look() {
  const base = location.href;
  const all = (selector) => [...document.querySelectorAll(selector)];
  const forms = all("form").filter((form) => form.method === "post").flatMap((form) => pressable(form).map((button) => ({
    action: destination(form, button, base), name: button.name, value: button.value,
  })));
  const leads = "[data-dismiss], [data-copy], [data-copy-from], [popovertarget], [commandfor], [hx-get], [hx-post]";
  return {
    status: performance.getEntriesByType("navigation")[0].responseStatus,
    links: all("a[href]").map((link) => within(link.getAttribute("href"), base)).filter(Boolean),
    parts: all("[hx-get]").map((part) => within(part.getAttribute("hx-get"), base)).filter(Boolean),
    forms,
    dead: all("button").filter((button) => {
      if (button.type !== "button" || button.hidden || button.disabled || button.matches(leads)) return false;
      return ![...button.attributes].some((attribute) => attribute.name.startsWith("data-"));
    }).map((button) => button.outerHTML.slice(0, 200)),
  };
}

// opens is the status of an address.
async function opens(address, headers) {
  const answer = await fetch(address, { headers });
  await answer.arrayBuffer();
  return answer.status;
}

// typed fills in what a form asks for, as somebody would.
function typed(form, given) {
  for (const input of form.elements) {
    if (input.type === "password") input.value = given.password;
    else if (input.name === "url" && !input.value) input.value = given.receiver;
    else if (input.type === "email" && !input.value) input.value = given.email;
    else if (input.required && !input.value) input.value = "crawl";
  }
  for (const name of ["id", "eventTypes", "scopes"]) {
    const boxes = [...form.elements].filter((input) => input.type === "checkbox" && input.name === name);
    if (boxes.length && !boxes.some((box) => box.checked)) boxes[0].checked = true;
  }
}

// press opens a page again and presses one of its buttons; status 0 says that
// the button is gone.
async function press(page, action, name, value, given) {
  const shown = await (await fetch(page)).text();
  const fresh = new DOMParser().parseFromString(shown, "text/html");
  for (const form of fresh.querySelectorAll("form")) {
    const button = pressable(form).find((b) => destination(form, b, page) === action && b.name === name && b.value === value);
    if (!button || form.method !== "post") continue;
    typed(form, given);
    const answer = await fetch(action, { method: "POST", body: new URLSearchParams(new FormData(form, button)) });
    await answer.text();
    return { status: answer.status, at: new URL(answer.url).pathname };
  }
  return { status: 0, at: "" };
}
