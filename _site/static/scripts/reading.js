// How much of a page is open: the switch, what the address names, the printer.

(() => {
  const key = "reading";
  const folds = () => [...document.querySelectorAll("details.fold")];
  const first = new Map(folds().map((fold) => [fold, fold.open]));
  const kinds = {
    read: "",
    proofs: ".fold-proof, .fold-check",
    code: ".fold",
  };

  function recall() {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // the reader's browser keeps nothing
    }
  }

  function keep(mode) {
    try {
      localStorage.setItem(key, mode);
    } catch {
      // then the switch holds for this page
    }
  }

  // what stands at the top of the window stays there
  function steady(change) {
    const seen = (e) => e.getBoundingClientRect().bottom > 80;
    const anchor = scrollY > 100 && [...document.querySelectorAll("article :is(h2, h3, p, figure)")].find(seen);
    const before = anchor && anchor.getBoundingClientRect().top;
    change();
    if (anchor) scrollBy({ top: anchor.getBoundingClientRect().top - before, behavior: "instant" });
  }

  function show(mode) {
    for (const [fold, open] of first) fold.open = open || (kinds[mode] && fold.matches(kinds[mode]));
  }

  function openTarget() {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let box = target; box; box = box.parentElement) if (box.tagName === "DETAILS") box.open = true;
    if (target.matches(".cell")) for (const fold of target.querySelectorAll(":scope > details")) fold.open = true;
    target.scrollIntoView();
  }

  const choices = document.querySelector(".reading");
  if (choices && first.size) {
    const mode = kinds[recall()] === undefined ? "read" : recall();
    choices.hidden = false;
    choices.querySelector(`[value="${mode}"]`).checked = true;
    if (mode !== "read") show(mode);
    choices.addEventListener("change", (event) => {
      keep(event.target.value);
      steady(() => show(event.target.value));
    });
  }

  openTarget();
  addEventListener("hashchange", openTarget);

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const box of closed) box.open = true;
    for (const image of document.images) if (image.checkVisibility()) image.loading = "eager";
  });
  addEventListener("afterprint", () => {
    for (const box of closed) box.open = false;
  });
})();
