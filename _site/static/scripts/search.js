// The search: a dialog on every page, and the search page.  MiniSearch finds sections; here they
// are put in the order that a reader expects, under their pages.

(() => {
  const root = document.documentElement.dataset.content_root;
  const STOP = new Set(
    ("a an and are as at be by can do does for from how i in is it its me my of on or should that the this to " +
      "was we what when where which who why with you your not no").split(" "),
  );
  const FIELDS = { heading: 3, title: 1.5, terms: 3, text: 1 };
  const parts = (text) => text.toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "").split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const stem = (word) => (word.length > 4 ? word.replace(/is(?=e|ing|ation)/, "iz").replace(/(?<=[^s])s$/, "") : word);
  // warm-up is also warmup
  const joined = (text) => (text.match(/\p{L}+-\p{L}+/gu) ?? []).map((word) => word.replace("-", ""));
  const escape = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

  const order = (a, b) => b.score - a.score;
  const headings = new Map(); // in how many headings a word stands
  const rarity = (word) => 1 / Math.log2(2 + (headings.get(word) ?? 0));

  let engine = null;
  function load() {
    const script = (name) =>
      new Promise((done, failed) => {
        const tag = document.createElement("script");
        Object.assign(tag, { src: root + name, onload: done, onerror: failed });
        document.head.append(tag);
      });
    engine ??= Promise.all([script("_static/vendor/minisearch.js"), script("_static/search-data.js")]).then(index);
    return engine;
  }

  async function index() {
    const documents = Object.entries(SECTIONS).flatMap(([page, [title, sections]]) =>
      sections.map(([heading, anchor, weight, terms, text], k) => ({
        id: `${page}#${k}`, page, title, label: heading, heading, anchor, weight, terms, text, first: k === 0,
      })),
    );
    // "Summary", which every chapter has, says nothing of what is in it
    const often = new Map();
    for (const { heading } of documents) often.set(heading, (often.get(heading) ?? 0) + 1);
    for (const section of documents) if (often.get(section.heading) > 3) section.heading = "";
    const mini = new MiniSearch({
      fields: Object.keys(FIELDS),
      storeFields: ["page", "title", "label", "heading", "anchor", "weight", "text", "first"],
      tokenize: (text) => [...parts(text), ...joined(text).flatMap(parts)],
      processTerm: (word) => (STOP.has(word) ? null : stem(word)),
    });
    await mini.addAllAsync(documents, { chunkSize: 25 }); // a phone stays awake
    for (const { heading } of documents)
      for (const word of new Set(stems(heading))) headings.set(word, (headings.get(word) ?? 0) + 1);
    return mini;
  }

  const stems = (text) => parts(text).filter((word) => !STOP.has(word)).map(stem);

  // A heading, read under the title of its page, that says all of the query, a page of that name, and
  // words that stand together count more.
  function fitness(query, found) {
    const heading = [...stems(found.title), ...stems(found.heading)];
    const sum = (words) => words.reduce((total, word) => total + rarity(word), 0);
    const share = sum(query.filter((word) => heading.includes(word))) / sum(query);
    const named = stems(found.title).every((word) => query.includes(word));
    const near = query.length > 1 && ` ${stems(found.text).join(" ")} `.includes(` ${query.join(" ")} `);
    const all = (sum(found.queryTerms) / sum(query)) ** 2;
    return all * (1 + 2 * share ** 2) * (named ? 1.5 : 1) * (near ? 1.5 : 1);
  }

  function search(mini, words) {
    const query = stems(words);
    if (!query.length) return [];
    const prefix = (word) => word.length > 2;
    // a word that no page has may be misspelt
    const unknown = query.filter((word) => !mini.search(word, { prefix }).length);
    const found = mini.search(query.join(" "), {
      fuzzy: (word) => unknown.includes(word) && 0.25,
      boost: FIELDS,
      prefix,
      weights: { prefix: 0.2, fuzzy: 0.1 },
      boostDocument: (id, word, stored) => stored.weight * (stored.first ? 1.3 : 1),
    });
    for (const hit of found) hit.score *= fitness(query, hit);
    found.sort(order);
    const pages = new Map();
    for (const hit of found.slice(0, 80)) {
      const page = pages.get(hit.page) ?? { page: hit.page, title: hit.title, hits: [] };
      pages.set(hit.page, page);
      page.hits.push(hit);
    }
    for (const page of pages.values()) {
      // a page that has much to say of it, before one that says it once
      page.score = page.hits.reduce((sum, hit, k) => sum + hit.score / 3 ** k, 0);
    }
    return [...pages.values()].sort(order);
  }

  // The sentence where the words are found, with the words marked.
  function snippet(hit, words) {
    const terms = hit.terms.sort((a, b) => b.length - a.length);
    const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${terms.join("|")})[\\p{L}\\p{N}]*`, "giu");
    const sentences = hit.text.match(/[^.!?]+(?:[.!?](?!\s)[^.!?]*)*[.!?]?/g) ?? [""];
    const counts = sentences.map((sentence) => {
      const said = (sentence.match(pattern) ?? []).map((word) => word.toLowerCase());
      return new Set(said).size + (sentence.toLowerCase().includes(words.toLowerCase().trim()) ? 1 : 0);
    });
    const best = counts.indexOf(Math.max(...counts));
    let text = sentences.slice(best, best + 2).join("").trim();
    const at = Math.max(0, text.search(pattern));
    if (at > 160) text = `… ${text.slice(text.indexOf(" ", at - 90) + 1)}`;
    if (text.length > 230) text = `${text.slice(0, text.lastIndexOf(" ", 220))} …`;
    return mark(text, pattern);
  }

  const mark = (text, pattern) => {
    let html = "", end = 0;
    for (const found of text.matchAll(pattern)) {
      html += `${escape(text.slice(end, found.index))}<mark>${escape(found[0])}</mark>`;
      end = found.index + found[0].length;
    }
    return html + escape(text.slice(end));
  };

  function show(place, pages, words) {
    const best = pages[0]?.hits[0];
    const link = (hit, text, first) =>
      `<a href="${root}${hit.page}.html${hit.anchor ? "#" + hit.anchor : ""}"${first ? " data-best" : ""}>${escape(text)}</a>`;
    const most = Number(place.dataset.most);
    if (!words.trim()) return (place.innerHTML = "");
    if (!pages.length) return (place.innerHTML = "<p>Nothing found. Fewer or other words may help.</p>");
    const items = pages.slice(0, most).map(({ page, title, hits }) => {
      const rows = hits.slice(0, 3).map((hit) => {
        const heading = hit.first ? "" : `${link(hit, hit.label, hit === best)} `;
        return `<li>${heading}<span>${snippet(hit, words)}</span></li>`;
      });
      return `<li>${link({ page }, title, best.first && page === best.page)}<ul>${rows.join("")}</ul></li>`;
    });
    place.innerHTML = `<ol>${items.join("")}</ol>`;
  }

  function connect(form) {
    const input = form.elements.q;
    const place = form.parentElement.querySelector(".book-found");
    let asked = 0;
    async function ask() {
      const words = input.value;
      const number = ++asked;
      const found = words.trim() ? search(await load(), words) : [];
      if (number !== asked) return;
      show(place, found, words);
      place.dataset.asked = words;
    }
    input.addEventListener("input", ask);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      await ask();
      place.querySelector("[data-best]")?.click();
    });
    form.parentElement.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      const stops = [input, ...place.querySelectorAll("a")];
      stops[Math.max(0, Math.min(stops.length - 1, stops.indexOf(document.activeElement) + step))].focus();
      event.preventDefault();
    });
    return ask;
  }

  for (const form of document.querySelectorAll("form.book-search")) {
    const ask = connect(form);
    if (form.closest("dialog")) continue;
    form.elements.q.value = new URLSearchParams(location.search).get("q") ?? "";
    ask();
    form.elements.q.focus();
  }

  const dialog = document.getElementById("book-search");
  function open() {
    load();
    dialog.showModal();
    dialog.querySelector("input").select();
  }
  for (const button of document.querySelectorAll(".search-button__button")) button.addEventListener("click", open);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("a")) dialog.close();
  });
  addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=range]), textarea, select, [contenteditable]");
    const asked = (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !typing);
    if (!asked || dialog.open) return;
    event.preventDefault();
    open();
  });
})();
