// Keeps an open page up to date: times in the reader's zone, changes as they come, what was unfolded
// stays unfolded, and a notice as soon as what is shown may be old. Without it the page works too,
// and refreshes by itself.
"use strict";
(() => {
  const PAUSE = 300, RETRY = 15000, KEPT = 50, ANSWER = 20000, GRACE = 10000;
  const folds = new Map(JSON.parse(sessionStorage.getItem("folds") || "[]"));
  let source = null, busy = false, again = false, lost = false, typed = 0, timer = 0, doubt = 0;

  const two = (number) => String(number).padStart(2, "0");
  const zoneOf = (moment) =>
    new Intl.DateTimeFormat("en", { timeZoneName: "short" })
      .formatToParts(moment).find((part) => part.type === "timeZoneName").value;

  // Times of the server are UTC; people read their own, and find UTC by hovering.
  function localTimes(root) {
    const made = document.querySelector("#live time, [data-now]");
    const now = new Date(made ? made.dateTime || made.dataset.now : Date.now());
    for (const each of root.querySelectorAll("time[datetime]:not([title])")) {
      const moment = new Date(each.dateTime), utc = each.textContent;
      if (isNaN(moment)) continue;
      const seconds = /\d\d:\d\d:\d\d/.test(utc) ? `:${two(moment.getSeconds())}` : "";
      const far = Math.abs(moment - now) >= 86400000 || !/\d\d:\d\d/.test(utc);
      const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())} `;
      const zone = each.closest("#live") ? ` ${zoneOf(moment)}` : "";
      each.title = utc;
      each.textContent =
        (far ? day : "") + `${two(moment.getHours())}:${two(moment.getMinutes())}${seconds}${zone}`;
    }
  }

  function applyFolds(root) {
    for (const each of root.querySelectorAll("details[data-key]")) {
      const kept = folds.get(each.dataset.key);
      if (kept !== undefined) each.open = kept;
    }
  }

  function remember(event) {
    const key = event.target.dataset && event.target.dataset.key;
    if (!key) return;
    folds.delete(key);
    folds.set(key, event.target.open);
    if (folds.size > KEPT) folds.delete(folds.keys().next().value);
    sessionStorage.setItem("folds", JSON.stringify([...folds]));
  }

  // A path to the element that has the focus, so that it gets it back.
  function focusPath(main) {
    const path = [];
    for (let at = document.activeElement; at && at !== main; at = at.parentElement) {
      if (!at.parentElement) return null;
      path.unshift([...at.parentElement.children].indexOf(at));
    }
    return document.activeElement && main.contains(document.activeElement) ? path : null;
  }

  function refocus(main, path) {
    let at = main;
    for (const place of path || []) at = at && at.children[place];
    if (path && at && at !== main) at.focus({ preventScroll: true });
  }

  function swap(text) {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const theirs = fresh.querySelector("main"), ours = document.querySelector("main");
    const script = fresh.querySelector("script[src]");
    if (!theirs || !script || script.src !== document.querySelector("script[src]").src) {
      location.reload();
      return;
    }
    const said = document.querySelector("h1").textContent, scroll = scrollY;
    const form = ours.querySelector("form"), path = focusPath(ours);
    const typing = form && form.contains(document.activeElement) ? document.activeElement : null;
    applyFolds(theirs);
    const next = document.importNode(theirs, true);
    if (typing) next.querySelector("form")?.replaceWith(form);
    ours.replaceWith(next);
    for (const what of ["#live time", "footer"]) {
      const old = document.querySelector(what), made = fresh.querySelector(what);
      if (old && made) old.replaceWith(document.importNode(made, true));
    }
    if (typing) typing.focus({ preventScroll: true });
    else refocus(next, path);
    document.title = fresh.title;
    const icon = fresh.querySelector("link[rel=icon]");
    if (icon) document.querySelector("link[rel=icon]").href = icon.getAttribute("href");
    localTimes(document);
    scrollTo(scrollX, scroll);
    const heading = next.querySelector("h1");
    if (heading && heading.textContent !== said) {
      document.getElementById("said").textContent = heading.textContent;
    }
  }

  // A daemon that hangs keeps its connections open: an answer that does not come is a lost one.
  async function load() {
    const abort = new AbortController(), late = setTimeout(() => abort.abort(), ANSWER);
    try {
      const answer = await fetch(location.href.split("#")[0],
        { cache: "no-cache", signal: abort.signal });
      return { status: answer.status, text: answer.ok ? await answer.text() : null };
    } catch {
      return { status: 0, text: null };
    } finally {
      clearTimeout(late);
    }
  }

  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    const { status, text } = await load();
    if (text !== null) swap(text);
    if (document.body.dataset.refresh) {
      mark(text !== null && source && source.readyState === 1);
      trust(text !== null, status);
    }
    busy = false;
    if (again) { again = false; setTimeout(refresh, PAUSE); }
  }

  function mark(fine) {
    const how = document.querySelector("#live .how");
    if (!how) return;
    how.className = fine ? "how on" : "how lost";
    how.textContent = fine ? "live" : "reconnecting";
  }

  // What is shown is old: said once a restart of the daemon would be over.
  function trust(fresh, status) {
    if (!fresh && !doubt) doubt = setTimeout(warn, GRACE, status);
    if (!fresh) return;
    clearTimeout(doubt);
    doubt = 0;
    document.getElementById("stale")?.remove();
  }

  function warn(status) {
    const notice = document.createElement("p"), made = document.querySelector("#live time");
    const why = status ? `The probe answers with status ${status}.` : "No connection to the probe.";
    notice.id = notice.className = "stale";
    notice.textContent = `${why} This page shows the state of ${made ? made.textContent : "before"}.`;
    document.querySelector("main").before(notice);
    document.getElementById("said").textContent = notice.textContent;
  }

  function connect() {
    if (source || document.hidden || !document.body.dataset.live) return;
    source = new EventSource(document.body.dataset.live);
    source.addEventListener("change", refresh);
    source.onopen = () => { mark(true); if (lost) refresh(); lost = false; };
    source.onerror = () => {
      if (!lost) refresh();
      lost = true;
      mark(false);
      if (source && source.readyState === 2) { disconnect(); setTimeout(connect, RETRY); }
    };
  }

  function disconnect() {
    if (source) source.close();
    source = null;
  }

  // A browser has few connections for one server: a hidden page holds none.
  function seen() {
    if (document.hidden) { disconnect(); return; }
    connect();
    refresh();
  }

  function filter(form) {
    const query = new URLSearchParams(new FormData(form));
    for (const [name, value] of [...query]) if (!value) query.delete(name);
    history.replaceState(null, "", `${location.pathname}?${query}`);
    refresh();
  }

  localTimes(document);
  applyFolds(document);
  document.addEventListener("toggle", remember, true);
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form.filter");
    if (!form) return;
    clearTimeout(typed);
    typed = setTimeout(filter, PAUSE, form);
  });
  if (!document.body.dataset.refresh) return;
  connect();
  document.addEventListener("visibilitychange", seen);
  timer = setInterval(() => { if (!document.hidden) refresh(); },
    1000 * Number(document.body.dataset.refresh));
  for (const each of ["online", "offline"]) addEventListener(each, refresh);
  addEventListener("pagehide", () => { clearInterval(timer); disconnect(); });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
