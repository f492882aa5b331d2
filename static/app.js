// What the pages do beyond what a browser does by itself. Each part is an
// addition: without this file every page still reads and every form still works.
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const onClick = (selector, act) => document.addEventListener("click", (event) => {
    const element = event.target.closest?.(selector);
    if (element) act(element, event);
  });

  // Copying. Without https there is no clipboard API, and it may be refused, so
  // the older way stays.
  async function copy(text) {
    try {
      return await navigator.clipboard.writeText(text);
    } catch { /* the older way */ }
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  onClick("[data-copy], [data-copy-from]", async (button) => {
    const sources = (button.dataset.copyFrom ?? "").split(" ").map((id) => document.getElementById(id)?.dataset.text);
    await copy(button.dataset.copy ?? sources.filter(Boolean).join("\n"));
    const use = button.querySelector("use");
    const icon = use.getAttribute("href");
    if (icon.endsWith("#check")) return;
    use.setAttribute("href", icon.replace(/#.*/, "#check"));
    button.classList.add("copy--done");
    setTimeout(() => {
      use.setAttribute("href", icon);
      button.classList.remove("copy--done");
    }, 1500);
  });

  // Select-all. A box with data-all chooses its fieldset; the one with the
  // value "everything" chooses the whole set. Counts follow.
  function syncSet(set) {
    const everything = set.querySelector("[data-all=everything]");
    let total = 0, chosen = 0;
    for (const fieldset of all("fieldset", set)) {
      const boxes = all("input[type=checkbox]:not([data-all])", fieldset);
      if (!boxes.length) continue;
      const checked = boxes.filter((box) => box.checked).length;
      const head = fieldset.querySelector("[data-all]");
      if (head) {
        if (checked < boxes.length) head.checked = false;
        head.indeterminate = checked > 0 && !head.checked;
        head.removeAttribute("data-some");
      }
      fieldset.querySelector(".count").textContent = `${checked} of ${boxes.length}`;
      total += boxes.length;
      chosen += checked;
    }
    if (chosen < total) everything.checked = false;
    everything.indeterminate = chosen > 0 && !everything.checked;
    everything.closest("fieldset").querySelector(".count").textContent = `${chosen} of ${total}`;
  }
  document.addEventListener("change", (event) => {
    const set = event.target.closest?.("[data-all-scope]");
    if (!set) return;
    if (event.target.matches("[data-all]")) {
      const scope = event.target.dataset.all === "everything" ? set : event.target.closest("fieldset");
      for (const box of all("input[type=checkbox]", scope)) box.checked = event.target.checked;
    }
    syncSet(set);
  });
  for (const set of all("[data-all-scope]")) syncSet(set);

  // Typing into a field that belongs to a choice chooses it.
  document.addEventListener("input", (event) => {
    const choice = document.getElementById(event.target.dataset?.chooses);
    if (choice) choice.checked = true;
  });

  // Filters apply as soon as one is chosen. A period and a span exclude each other.
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (!form?.matches("[data-submit]")) return;
    if (event.target.matches("select")) {
      if (event.target.name === "period") form.since.value = form.until.value = "";
      form.requestSubmit();
    } else if (event.target.type === "datetime-local") {
      form.period.value = "";
    }
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-submit]")) return;
    for (const field of event.target.elements) field.disabled ||= field.name && !field.value;
  });
  // A double click sends a form once: browsers drop the first answer for the second.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (Date.now() - (form.dataset.sent ?? 0) < 1000) event.preventDefault();
    else form.dataset.sent = Date.now();
  });
  window.addEventListener("pageshow", () => {
    for (const field of all("[data-submit] :disabled")) field.disabled = false;
  });

  // A filter of a table on the page, by the words of its rows and of their
  // group. Enter opens the first row that is left.
  for (const form of all("[data-filter]")) {
    const field = form.querySelector("input"), table = document.getElementById(form.dataset.filter);
    const apply = () => {
      const words = field.value.toLowerCase().split(/\s+/);
      let group, title = "", shown = 0;
      for (const row of table.tBodies[0].rows) {
        if (row.matches(".group")) {
          [group, title] = [row, row.cells[0].firstChild.textContent];
          group.hidden = true;
          continue;
        }
        const text = `${title} ${row.cells[0].textContent}`.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        if (row.hidden) continue;
        group.hidden = false;
        shown += 1;
      }
      document.getElementById(`${table.id}-none`).hidden = shown > 0;
      table.tHead.hidden = !shown;
    };
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      table.querySelector("tbody tr:not([hidden]) a")?.click();
    });
    window.addEventListener("pageshow", apply); // browsers put back what was typed
  }

  // Dialogs, where the browser does not know command and commandfor.
  if (!("commandForElement" in HTMLButtonElement.prototype)) {
    onClick("[commandfor]", (button) => {
      const dialog = document.getElementById(button.getAttribute("commandfor"));
      if (button.getAttribute("command") === "show-modal") dialog.showModal();
      else dialog.close();
    });
  }

  // Toasts leave after 6 s, unless somebody is reading them.
  function watchToast(toast) {
    const button = toast.querySelector("[data-dismiss]");
    button.hidden = false;
    const leave = () => setTimeout(() => toast.matches(":hover, :focus-within") ? leave() : toast.remove(), 6000);
    leave();
  }
  onClick("[data-dismiss]", (button) => button.closest(".toast").remove());
  for (const toast of all(".toast")) watchToast(toast);
  function fail(text) {
    const toast = document.getElementById("toast-failed").content.firstElementChild.cloneNode(true);
    toast.querySelector("span").textContent = text;
    document.getElementById("toasts").append(toast);
    watchToast(toast);
  }
  // A form that was sent says so on its button. Disabling it would lose the focus.
  const busy = (on) => (event) => {
    if (event.detail.elt.matches("form")) event.detail.elt.querySelector("[type=submit]").setAttribute("aria-busy", on);
  };
  document.addEventListener("htmx:beforeRequest", busy(true));
  document.addEventListener("htmx:afterRequest", busy(false));
  const acting = (event) => event.detail.requestConfig.verb !== "get";
  document.addEventListener("htmx:responseError", (event) => {
    if (acting(event)) fail(`The server answered ${event.detail.xhr.status}. Reload the page to see what was changed.`);
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (acting(event)) fail("The server can’t be reached. Check the connection, then try again.");
  });

  // Live parts. The stream carries ids; what shows one of them fetches itself
  // again. A list that shows none of them fetches itself as a whole, at most
  // once a second.
  const changed = new Set();
  let paused = false, timer = 0, last = 0;
  const selecting = () => document.querySelector("[data-selection] tbody .tick:checked") !== null;
  // A log never jumps: while somebody has scrolled into it or selected rows, those
  // that it has are kept up to date where they stand, and new ones wait behind a bar.
  const holding = () => all("[data-live][data-noun]").filter((log) => log.querySelector("tbody tr[id]") && (selecting() || log.getBoundingClientRect().top < 48));
  async function hold(log) {
    let text;
    try {
      text = await (await fetch(log.getAttribute("hx-get"), { headers: { "HX-Request": "true" } })).text();
    } catch { return; /* the stream's next message asks again */ }
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById(log.id);
    const rows = fresh ? all("tbody tr[id]", fresh) : [];
    let at = rows.findIndex((row) => document.getElementById(row.id));
    if (at < 0) at = rows.length;
    for (const row of rows.slice(at)) {
      const shown = document.getElementById(row.id);
      if (!shown || shown.outerHTML === row.outerHTML || shown.contains(document.activeElement) || shown.querySelector(".tick:checked")) continue;
      shown.replaceWith(row);
      htmx.process(row);
    }
    const count = rows.slice(0, at).filter((row) => !row.matches(".tr-sub")).length;
    if (!count) return;
    let bar = log.querySelector(".fresh");
    if (!bar) {
      bar = document.createElement("a");
      bar.className = "fresh";
      log.prepend(bar);
    }
    bar.href = log.getAttribute("hx-get");
    const { noun, nouns = `${noun}s` } = log.dataset;
    bar.textContent = `${count}${at === rows.length ? "+" : ""} new ${count === 1 ? noun : nouns}`;
  }
  onClick(".fresh", (bar, event) => {
    event.preventDefault();
    for (const box of all(".tick:checked")) box.checked = false;
    window.scrollTo({ top: 0 });
    changed.clear();
    htmx.trigger(bar.closest("[data-live]"), "refresh-list");
  });
  // Back at the log's beginning, what waited is shown.
  document.addEventListener("scroll", () => {
    for (const bar of all(".fresh")) {
      const log = bar.closest("[data-live]");
      if (holding().includes(log)) continue;
      bar.remove();
      htmx.trigger(log, "refresh-list");
    }
  }, { passive: true });
  function flush() {
    timer = 0;
    last = Date.now();
    const held = holding();
    if (held.length) {
      for (const log of held) hold(log);
      if (!selecting()) changed.clear();
      return;
    }
    if (selecting()) return; // a swap would take the selection away
    const ids = [...changed];
    changed.clear();
    const shown = all("[data-live-id]").filter((element) => element.dataset.liveId.split(" ").some((id) => ids.includes(id)));
    const lists = all("[data-live]");
    if (lists.length && (shown.length < ids.length || shown.length > 5)) {
      for (const list of lists) htmx.trigger(list, "refresh-list");
    } else {
      for (const element of shown) htmx.trigger(element, "refresh");
    }
  }
  // What changed between the page's making and the stream's opening, or while
  // the stream was broken, was told to nobody: catch up once.
  const refreshRecovery = () => { for (const banner of all("[data-recovery]")) htmx.trigger(banner, "refresh"); };
  document.addEventListener("htmx:sseOpen", () => {
    refreshRecovery();
    if (paused || selecting()) return;
    const lists = all("[data-live]"), held = holding();
    for (const list of lists) held.includes(list) ? hold(list) : htmx.trigger(list, "refresh-list");
    if (!lists.length) for (const element of all("[data-live-id]")) htmx.trigger(element, "refresh");
  });
  // A live part that has not changed keeps its elements, and so focus and clicks.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, serverResponse } = event.detail;
    if (target.dataset.version && serverResponse.includes(`data-version="${target.dataset.version}"`)) event.detail.shouldSwap = false;
  });
  const soon = () => { timer ||= setTimeout(flush, Math.max(0, last + 1000 - Date.now())); };
  function showSwitch() {
    for (const button of all("[data-live-switch]")) {
      button.hidden = false;
      button.setAttribute("aria-pressed", String(!paused));
      const words = button.querySelector(".live");
      words.classList.toggle("live--off", paused);
      words.textContent = !paused ? "Live" : changed.size ? `Paused, ${changed.size} new` : "Paused";
      const use = button.querySelector("use");
      use.setAttribute("href", use.getAttribute("href").replace(/#.*/, paused ? "#play" : "#pause"));
    }
  }
  // What a page follows: deliveries, unless it says otherwise.
  const follows = document.querySelector("[data-follows]")?.dataset.follows ?? "dlv";
  const followed = new RegExp(`\\b(?:${follows})_\\w+`, "g");
  document.addEventListener("htmx:sseMessage", (event) => {
    for (const id of event.detail.data?.match(followed) ?? []) changed.add(id);
    if (/(?:rec|rpl)_\w/.test(event.detail.data ?? "")) refreshRecovery();
    if (paused) showSwitch();
    else if (changed.size) soon();
  });
  onClick("[data-live-switch]", () => {
    paused = !paused;
    if (!paused && changed.size) soon();
    showSwitch();
  });
  showSwitch();

  // A selection of rows. While there is one the log stands still.
  function syncSelection(form) {
    const boxes = all("tbody .tick", form), chosen = boxes.filter((box) => box.checked).length;
    const head = form.querySelector("[data-select-all]"), words = form.querySelector("[data-selected]");
    if (head) {
      head.checked = chosen > 0 && chosen === boxes.length;
      head.indeterminate = chosen > 0 && chosen < boxes.length;
    }
    if (words) words.textContent = `${chosen} selected`;
    if (!chosen && !paused && changed.size) soon();
  }
  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("[data-selection]");
    if (!form) return;
    if (event.target.matches("[data-select-all]")) for (const box of all("tbody .tick", form)) box.checked = event.target.checked;
    syncSelection(form);
  });
  document.addEventListener("reset", (event) => {
    if (event.target.matches("[data-selection]")) setTimeout(() => syncSelection(event.target));
  });
  for (const form of all("[data-selection]")) syncSelection(form);

  // Times that pass, in the words of format.go and by the server's clock.
  const ahead = Date.parse(document.documentElement.dataset.now) - Date.now();
  function span(seconds) {
    const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
    const at = Math.max(0, units.findIndex(([, size]) => seconds >= size));
    const words = units.slice(at, at + 2).map(([name, size], i) =>
      [Math.floor((i ? seconds % units[at][1] : seconds) / size), name]);
    return words.filter(([n], i) => i === 0 || n > 0).map(([n, name]) => `${n} ${name}`);
  }
  function tick() {
    for (const element of all("time[data-relative]")) {
      const seconds = Math.round((Date.parse(element.dateTime) - Date.now() - ahead) / 1000);
      const kind = element.dataset.relative;
      if (kind === "until") element.textContent = seconds >= 1 ? "in " + span(seconds).join(" ") : "now";
      else if (seconds > -30 * 86400) {
        const age = seconds > -1 ? [] : span(-seconds);
        if (kind === "span") element.textContent = age.join(" ") || "0 s";
        else if (kind === "age") element.textContent = age[0] ?? "now";
        else element.textContent = age.length ? `${age[0]} ago` : "just now";
      }
    }
  }
  setInterval(tick, 1000);
})();
