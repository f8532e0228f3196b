// Redraws a figure of gdref.book.movable in place.  No update rule and no test function stands here:
// `rules`, `loss` and `gradients` come from gdref.book.javascript, everything else from `figure`.
function movable(root, figure, rules, loss, gradients) {
  if (root.gdref) return; // the same output, included twice
  const find = name => root.querySelector(`[id="${root.id}-${name}"]`);
  const form = root.querySelector("form"), handle = root.querySelector(".gdref-start");
  const plot = handle.previousElementSibling;
  const window_ = [figure.window.slice(0, 2), figure.window.slice(2)];
  const inside = point => point.every((x, i) => x >= window_[i][0] && x <= window_[i][1]);
  let start = figure.start;
  let shown = []; // the runs in the figure: the rule's own and the one compared with
  let kept = null; // the run that the reader set aside to compare with

  // ---- the computation

  const run = (rule, settings, from, steps) => {
    let now = from.map(x => [x, ...figure.initial[rule]]);
    const history = [now];
    for (let t = 1; t <= steps; t++)
      history.push(now = rules[rule](t, now, gradients[(t - 1) % gradients.length], settings));
    const path = history.map(now => now.map(row => row[0]));
    return {rule, settings, history, path, losses: path.map(loss)};
  };
  // Quantity 0 is the step, theta_t - theta_{t-1}; quantity k is the k-th state variable.
  const quantity = ({history}, k, i) =>
    history.map((now, t) => k ? now[i][k] : t ? now[i][0] - history[t - 1][i][0] : NaN);

  // ---- numbers as text and axes, as gdref.book.movable has them

  const number = (value, digits = 4) => {
    if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : "infinite";
    const rounded = Number(value.toPrecision(digits)), size = Math.abs(rounded);
    return (size && (size < 1e-3 || size >= 1e5) ? rounded.toExponential() : `${rounded}`).replaceAll("-", "−");
  };
  const power = k => "10" + `${k}`.replace(/./g, c => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
  const nice = (least, most) => [1, 2, 5, 10, 20]
    .map(k => k * 10 ** Math.floor(Math.log10((most - least) / 6)))
    .find(step => Math.ceil(most / step) - Math.floor(least / step) <= 6);
  // Each axis is [low end, high end, distance of ticks].
  const linear = (values, limit = 1e12) => {
    const drawn = values.filter(value => Math.abs(value) < limit);
    const ends = [Math.min(0, ...drawn), Math.max(0, ...drawn)];
    if (ends[0] === ends[1]) return [0, 1, 0.2];
    const [least, most] = ends.map(end => end && end + Math.sign(end) * 0.02 * (ends[1] - ends[0]));
    const step = nice(least, most);
    return [Math.floor(least / step) * step, Math.ceil(most / step) * step, step];
  };
  const decades = values => {
    const limit = values[0] > 0 ? 1e6 * values[0] : 1e300;
    const drawn = values.filter(value => value > 0 && value < limit);
    if (!drawn.length) return [-1, 0, 1];
    const most = Math.max(...drawn), least = Math.max(Math.min(...drawn), most * 1e-16);
    const low = Math.floor(Math.log10(least)), high = Math.max(Math.ceil(Math.log10(most)), low + 1);
    return [low, high, Math.max(1, nice(low, high))];
  };
  const counts = steps => [0, Math.max(1, steps), Math.max(1, nice(0, Math.max(1, steps)))];

  // ---- drawing

  const frame = name => {
    const numbers = find(name).querySelector("path").getAttribute("d").match(/-?[\d.]+/g).map(Number);
    const [xs, ys] = [0, 1].map(odd => numbers.filter((_, i) => i % 2 === odd));
    return [[Math.min(...xs), Math.max(...xs)], [Math.max(...ys), Math.min(...ys)]];
  };
  const frames = {plane: frame("plane"), loss: frame("loss"), state: frame("state")};
  const place = (name, axes) => point => point.map((x, i) => {
    const [low, high] = axes[i], [from, to] = frames[name][i];
    return Math.max(-1e6, Math.min(1e6, from + (x - low) / (high - low) * (to - from))); // NaN stays NaN
  });
  const ticksOf = (name, i) => { // copies of the axis' first tick
    const axis = find(name), first = axis.querySelector("g"), use = first.querySelector("use");
    const home = Number(use.getAttribute("xy"[i]));
    [...axis.children].slice(1).filter(child => child.querySelector("use")).forEach(tick => tick.remove());
    let copies = [];
    return ([low, high, step], to, write) => {
      copies.forEach(tick => tick.remove());
      const values = [];
      for (let k = Math.ceil(low / step); k * step <= high + 1e-9 * step; k++) values.push(k * step);
      const ticks = values.map((value, n) => {
        const tick = n ? axis.appendChild(first.cloneNode(true)) : first;
        if (n) tick.querySelectorAll("defs").forEach(shared => shared.remove());
        if (n) [tick, ...tick.querySelectorAll("[id]")].forEach(part => part.removeAttribute("id"));
        const away = to([value, value])[i] - home;
        tick.setAttribute("transform", `translate(${i ? [0, away] : [away, 0]})`);
        tick.querySelectorAll("text").forEach(text => { text.textContent = write(value); });
        return tick;
      });
      copies = ticks.slice(1);
    };
  };
  const ticks = {"loss-t": ticksOf("loss-t", 0), "loss-y": ticksOf("loss-y", 1),
                 "state-t": ticksOf("state-t", 0), "state-y": ticksOf("state-y", 1)};

  const line = (name, points, colour) => {
    const path = find(name).querySelector("path");
    const end = points.findIndex(point => !point.every(Number.isFinite));
    const drawn = end < 0 ? points : points.slice(0, end);
    path.setAttribute("d", drawn.length ? "M" + drawn.map(p => p.map(x => x.toFixed(2)).join(" ")).join("L") : "");
    path.style.stroke = colour;
    return drawn;
  };
  const dots = (name, points, colour) => {
    const group = find(name).querySelector("g"), radius = figure.radii[name.split("-")[0]];
    group.replaceChildren(...points.map(([x, y]) => {
      const dot = document.createElementNS(group.namespaceURI, "circle");
      for (const [key, value] of Object.entries({cx: x.toFixed(2), cy: y.toFixed(2), r: radius, fill: colour}))
        dot.setAttribute(key, value);
      return dot;
    }));
  };
  const draw = (k, rule) => {
    const log = figure.minimum !== null, write = log ? power : value => number(value);
    const height = J => log ? Math.log10(Math.max(J - figure.minimum, 1e-300)) : J;
    const time = counts(shown[0].path.length - 1);
    const losses = shown.flatMap(run => run.losses);
    const axis = log ? decades(losses.map(J => J - figure.minimum)) : linear(losses, 1e3 * Math.max(1, Math.abs(losses[0])));
    const onLoss = place("loss", [time, axis]);
    ["", "-versus"].forEach((suffix, i) => {
      const {path, losses, rule} = shown[i] ?? {path: [], losses: []}, colour = figure.colours[rule];
      const points = line("path" + suffix, path.map(place("plane", window_)), colour);
      dots("dots" + suffix, points, colour);
      dots("end" + suffix, points.slice(-1), colour);
      line("losses" + suffix, losses.map((J, t) => onLoss([t, height(J)])), colour);
    });
    ticks["loss-t"](time, onLoss, () => "");
    ticks["loss-y"](axis, onLoss, write);

    const values = [0, 1].map(i => quantity(shown.find(run => run.rule === rule), k, i));
    const values_axis = linear(values.flat()), onState = place("state", [time, values_axis]);
    values.forEach((list, i) =>
      line(`state-${i + 1}`, list.map((v, t) => onState([t, v])).slice(k ? 0 : 1), figure.colours[rule]));
    ticks["state-t"](time, onState, value => number(value));
    ticks["state-y"](values_axis, onState, value => number(value));
    find("state-title").querySelector("text").textContent =
      `${figure.quantities[rule][k]} of ${figure.labels[rule]}: θ₁ solid, θ₂ dashed`;

    const ring = place("plane", window_)(start), {width, height: tall} = plot.viewBox.baseVal;
    ring.forEach((x, i) => find("start").querySelector("use").setAttribute("xy"[i], x.toFixed(2)));
    handle.style.left = `${100 * ring[0] / width}%`;
    handle.style.top = `${100 * ring[1] / tall}%`;
    handle.setAttribute("aria-valuenow", start[0]);
    handle.setAttribute("aria-valuetext", `θ₁ = ${number(start[0])}, θ₂ = ${number(start[1])}`);
  };

  // ---- words and table

  const sentence = ({path, losses, rule}, i) => {
    const end = path.at(-1), bad = path.findIndex(theta => !theta.every(Number.isFinite));
    return `<span class="gdref-key${i ? " gdref-dashed" : ""}" style="color: ${figure.colours[rule]}"></span>`
      + figure.labels[rule] + (i && kept ? ", kept" : "") + (bad >= 0
        ? `: diverged; not finite from step ${bad} on`
        : ` at t = ${path.length - 1}: θ = (${end.map(x => number(x)).join(", ")}), J = ${number(losses.at(-1))}`
          + (inside(end) ? "" : ", outside the plot"));
  };
  const table = ({rule, settings, history, losses}) => {
    const names = ["θ", ...figure.quantities[rule].slice(1)], steps = history.length - 1;
    const head = ["t", "J", ...names.flatMap(name => [`${name}, 1`, `${name}, 2`])];
    const cells = (now, t) => [losses[t], ...names.flatMap((_, k) => now.map(row => row[k]))]
      .map(value => `<td>${number(value)}</td>`).join("");
    const rows = history.map((now, t) => t % Math.ceil(steps / 20) && t < steps
      ? "" : `<tr><th scope="row">${t}</th>${cells(now, t)}</tr>`);
    const caption = Object.entries(settings).map(([name, value]) => `${figure.symbols[name]} = ${number(value, 10)}`);
    return `<table><caption>${[figure.labels[rule], ...caption].join(", ")}</caption><thead><tr>`
      + `${head.map(text => `<th scope="col">${text}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
  };

  // ---- controls

  const say = (input, text) => {
    input.previousElementSibling.textContent = text;
    input.setAttribute("aria-valuetext", text);
  };
  const settings = rule => Object.fromEntries(Object.entries(figure.values[rule]).map(([name, value]) => {
    const input = form.elements[`${rule}.${name}`];
    if (input) say(input, number(value = figure.choices[input.name][input.value], 10));
    return [name, value];
  }));
  const update = () => {
    const steps = Number(form.elements.steps.value), versus = form.elements.versus.value;
    say(form.elements.steps, steps);
    kept = versus === "kept" ? kept ?? shown[0] : null;
    shown = [run(figure.rule, settings(figure.rule), start, steps)];
    if (kept) shown.push(run(kept.rule, kept.settings, kept.path[0], steps));
    else if (versus) shown.push(run(versus, settings(versus), start, steps));
    form.querySelectorAll("[data-rule]").forEach(part => {
      part.hidden = part.disabled = ![figure.rule, versus].includes(part.dataset.rule);
    });
    const choice = form.elements.quantity;
    if (choice.selectedOptions[0].parentNode.hidden) choice.selectedIndex = 0;
    const [rule, k] = choice.value.split(".");
    draw(Number(k), rule);
    root.querySelector("[role=status]").innerHTML = shown.map(sentence).join("<br>");
    root.querySelector(".gdref-table").innerHTML = shown.map(table).join("");
  };
  const move = to => {
    start = to.map((x, i) => {
      const [low, high] = window_[i], grain = 10 ** Math.floor(Math.log10((high - low) / 100));
      return Number((Math.round(Math.max(low, Math.min(high, x)) / grain) * grain).toPrecision(10));
    });
    update();
  };
  const pointed = event => {
    const box = plot.getBoundingClientRect(), unit = plot.viewBox.baseVal.width / box.width;
    return [event.clientX - box.left, event.clientY - box.top].map((pixels, i) => {
      const [from, to] = frames.plane[i], [low, high] = window_[i];
      return low + (pixels * unit - from) / (to - from) * (high - low);
    });
  };
  const arrows = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1]};
  handle.addEventListener("keydown", event => {
    if (!arrows[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    move(start.map((x, i) =>
      x + arrows[event.key][i] * (window_[i][1] - window_[i][0]) / (event.shiftKey ? 10 : 100)));
  });
  handle.addEventListener("pointerdown", event => handle.setPointerCapture(event.pointerId));
  handle.addEventListener("pointermove", event => handle.hasPointerCapture(event.pointerId) && move(pointed(event)));
  plot.addEventListener("click", event => inside(pointed(event)) && move(pointed(event)));
  form.addEventListener("input", update);
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("reset", () => {
    start = figure.start;
    setTimeout(update); // the controls have their first values a moment later
  });
  form.hidden = handle.hidden = false;
  root.gdref = {path: () => shown[0].path, runs: () => shown, run, rules, gradients};
  update();
}
