// The frame of a page: colours, sidebars, the contents beside the text, copying, keyboard.
// It takes the place of the theme's scripts, which are thirty times as long and lay out the page
// several times over.

(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const wide = matchMedia("(min-width: 992px)");

  function keep(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {
      // the browser keeps nothing: then it holds for this page
    }
  }

  // colours: as the system has them, light, dark
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const modes = ["auto", "light", "dark"];
  const names = { auto: "as the system has them", light: "light", dark: "dark" };

  function colour(mode) {
    root.dataset.mode = mode;
    const theme = mode === "auto" ? (dark.matches ? "dark" : "light") : mode;
    if (root.dataset.theme !== theme) root.dataset.theme = theme;
    for (const button of all(".theme-switch-button")) {
      button.title = `Colours: ${names[mode]}`;
      button.setAttribute("aria-label", button.title);
    }
    keep("mode", mode);
  }

  colour(modes.includes(root.dataset.mode) ? root.dataset.mode : "auto");
  dark.addEventListener("change", () => colour(root.dataset.mode));
  addEventListener("beforeprint", () => (root.dataset.theme = "light")); // paper is white
  addEventListener("afterprint", () => colour(root.dataset.mode));
  for (const button of all(".theme-switch-button"))
    button.addEventListener("click", () => colour(modes[(modes.indexOf(root.dataset.mode) + 1) % 3]));

  // sidebars: on a narrow page each opens over the text, on a wide one the left one can go
  function sidebar(name) {
    const button = document.querySelector(`.${name}-toggle`);
    const bar = document.getElementById(`pst-${name}-sidebar`);
    const dialog = document.getElementById(`pst-${name}-sidebar-modal`);
    if (!button || !bar || !dialog) return;
    const move = (from, to) => {
      to.append(...from.childNodes);
      to.className = from.className;
      from.className = "";
    };
    button.addEventListener("click", () => {
      if (name === "primary" && wide.matches) return bar.classList.toggle("pst-sidebar-hidden");
      move(bar, dialog);
      dialog.showModal();
    });
    dialog.addEventListener("close", () => move(dialog, bar));
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("a")) dialog.close();
    });
  }

  sidebar("primary");
  sidebar("secondary");

  // the contents say where the reader is
  const entries = new Map();
  for (const link of all("#pst-page-toc-nav a")) {
    const heading = document.getElementById(decodeURIComponent(link.hash.slice(1)))?.querySelector("h1, h2, h3");
    if (heading) entries.set(heading, link);
  }
  const watch = new IntersectionObserver(
    (changes) => {
      const seen = changes.filter((change) => change.isIntersecting).pop();
      if (!seen) return;
      const here = entries.get(seen.target);
      for (const link of entries.values()) {
        link.classList.toggle("active", link === here);
        if (link === here) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    },
    { rootMargin: "0px 0px -70% 0px" },
  );
  for (const heading of entries.keys()) watch.observe(heading);

  // Sections are laid out one after another, while the browser has nothing else to do; all at once
  // when a link leads to one, which else would land where it was thought to be.
  const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 1));
  const waiting = root.classList.contains("in-turn") ? all("article > section section") : [];
  function layOut() {
    const begin = performance.now();
    while (waiting.length && performance.now() < begin + 6) { // ms: a phone is several times slower
      const section = waiting.shift();
      section.style.contentVisibility = "visible";
      section.getBoundingClientRect();
    }
    if (waiting.length) idle(layOut);
    else finish();
  }
  function layOutAll() {
    for (const section of waiting.splice(0)) section.style.contentVisibility = "visible";
    root.classList.remove("in-turn");
  }
  addEventListener("load", () => idle(layOut));
  addEventListener("hashchange", layOutAll);
  addEventListener("beforeprint", layOutAll);
  addEventListener("click", (event) => event.target.closest?.("a[href*='#']") && layOutAll(), true);

  function finish() {
    root.classList.remove("in-turn");
    reach(document);
    // the page's entry in the left sidebar is in sight
    const entry = all(".bd-docs-nav .active").pop();
    const bar = document.querySelector(".bd-sidebar-primary");
    if (entry && wide.matches && entry.offsetTop > bar.clientHeight / 2) bar.scrollTop = entry.offsetTop - bar.clientHeight / 3;
  }

  // the keyboard reaches what scrolls sideways
  function reach(within) {
    const scrolls = (e) => e.checkVisibility() && e.scrollWidth > e.clientWidth;
    const boxes = "pre, .pst-scrollable-table-container, div.math, span.long, .cell_output .output";
    for (const box of all(boxes, within).filter(scrolls)) box.tabIndex = 0;
  }
  document.addEventListener("toggle", (event) => event.target.open && reach(event.target), true);

  // what a link leads to: sphinx-tippy's scripts, when a reader first points at such a link
  const tips = document.querySelector("meta[name=tips]");
  async function prepareTips(event) {
    const link = event.target.closest?.("article a.reference.internal");
    if (!link) return;
    for (const kind of ["pointerover", "focusin"]) document.removeEventListener(kind, prepareTips);
    for (const name of tips.content.split(" "))
      await new Promise((done, failed) => {
        const script = document.createElement("script");
        Object.assign(script, { src: name, onload: done, onerror: failed });
        document.head.append(script);
      });
    window.onload?.();
    if (link.matches(":hover, :focus")) link._tippy?.show();
  }
  if (tips) for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, prepareTips);

  // formulas are copied as TeX
  function asTeX(fragment) {
    for (const math of all("math", fragment)) {
      const tex = math.querySelector("annotation")?.textContent.trim() ?? "";
      const sign = math.getAttribute("display") === "block" ? "$$" : "$";
      math.replaceWith(`${sign}${tex}${sign}`);
    }
  }
  document.addEventListener("copy", (event) => {
    const selection = getSelection();
    if (selection.isCollapsed) return;
    const range = selection.getRangeAt(0);
    const around = (node) => (node.nodeType === 1 ? node : node.parentElement).closest("math");
    const [first, last] = [around(range.startContainer), around(range.endContainer)];
    if (first) range.setStartBefore(first); // a part of a formula is the formula
    if (last) range.setEndAfter(last);
    const copied = range.cloneContents();
    if (!copied.querySelector("math")) return;
    const box = document.createElement("div");
    box.append(copied);
    event.clipboardData.setData("text/html", box.innerHTML);
    asTeX(box);
    box.className = "copied";
    document.body.append(box);
    event.clipboardData.setData("text/plain", box.innerText.trim());
    box.remove();
    event.preventDefault();
  });

  // one button, beside the code or the formula that the reader points at
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  async function copy() {
    const box = button.parentElement;
    const tex = box.querySelector(":scope > math annotation");
    const text = tex ? tex.textContent.trim() : box.querySelector("pre").textContent;
    button.remove();
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not copied: the browser forbids it";
    }
    box.append(button);
  }
  button.addEventListener("click", copy);
  function offer(event) {
    const box = event.target.closest?.("div.highlight, div.math");
    if (!box || box.contains(button)) return;
    button.textContent = box.matches(".math") ? "Copy TeX" : "Copy";
    box.append(button);
  }
  document.addEventListener("pointerover", offer, { passive: true });
  document.addEventListener("focusin", offer);
})();
