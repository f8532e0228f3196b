// The landing figure's model: several rules roll down one surface from one start.

const model = ({run, trail, partly, number, spec}, rules, loss, gradient) => {
  const bounds = [spec.window.slice(0, 2), spec.window.slice(2)];
  const total = spec.steps;
  const runOf = (rule, start) => run(rules[rule], start.map(x => [x, ...spec.initial[rule]]), [gradient], spec.values[rule], total)
    .map(now => now.map(row => row[0]));
  const result = (values, motion) => {
    const start = [values["start.x"], values["start.y"]], layers = {}, ends = [];
    for (const rule of Object.keys(rules)) {
      if (!values[rule]) continue;
      const {path, cut, steps} = trail(runOf(rule, start), bounds);
      const drawn = partly(path, values.steps, motion ? motion.share : 0), gone = steps <= values.steps;
      layers[`halo-${rule}`] = layers[`path-${rule}`] = drawn;
      layers[`edge-${rule}`] = layers[`ball-${rule}`] = gone ? [] : drawn.slice(-1);
      layers[`cut-${rule}`] = gone ? cut : [];
      ends.push(`${spec.names[rule]} ${gone ? "diverges" : number(loss(drawn.at(-1)), 2)}`);
    }
    layers["land-edge"] = layers["land-disk"] = [start];
    return {layers, say: `Step ${values.steps} of ${total}. Loss: ${ends.join(", ") || "choose a rule"}.`};
  };
  return Object.assign(result, {run: runOf});
};

return {model};
