// The controls of the slice viewer.

const viewer = document.getElementById("viewer");

const view = (scans) => {
  const find = (selector) => viewer.querySelector(selector);
  const [form, canvas, slider, output] = ["form", "canvas", "#slice", "output"].map(find);
  const chosen = (name) => form.querySelector(`[name=${name}]:checked`)?.value ?? "none";
  let scan = null;
  let layers = {};

  const draw = () => {
    const { size, spacing } = scan;
    const plane = PLANES[chosen("plane")];
    const place = Number(slider.value) - 1;
    const [columns, rows] = [size[plane.across], size[plane.down]];
    const [wide, high] = [columns * spacing[plane.across], rows * spacing[plane.down]]; // mm
    const scale = 720 / Math.max(wide, high);
    canvas.width = Math.round(wide * scale);
    canvas.height = Math.round(high * scale);
    const slice = (name) => (layers[name] ? cut(layers[name], size, plane, place) : null);
    const picture = paint({ image: slice("image"), filled: slice(chosen("filled")), doubt: slice(chosen("doubt")) }, columns, rows);
    const small = element("canvas", { width: columns, height: rows });
    small.getContext("2d").putImageData(picture, 0, 0);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    const truth = slice(chosen("truth"));
    if (truth) outline(context, edges(truth, columns, rows, [canvas.width / columns, canvas.height / rows]));
    context.font = "600 20px system-ui, sans-serif";
    context.fillStyle = "#fff";
    context.fillText(plane.letters[0], 8, canvas.height / 2 + 7);
    context.fillText(plane.letters[1], canvas.width / 2 - 6, 24);
    output.textContent = `${place + 1} of ${size[plane.through]}`;
    canvas.setAttribute("aria-label", `${chosen("plane")} slice ${place + 1} of ${size[plane.through]}, from ${plane.ends.join(" to ")}, of ${scan.case}`);
  };

  const turn = () => {
    const { through } = PLANES[chosen("plane")];
    slider.max = scan.size[through];
    slider.value = scan.start[through] + 1;
    draw();
  };

  const scroll = (by) => {
    const before = slider.value;
    slider.value = Number(slider.value) + by;
    if (slider.value === before) return false;
    draw();
    return true;
  };

  // What this scan lacks cannot be chosen.
  const offer = () => {
    for (const input of form.querySelectorAll("[name=truth], [name=filled], [name=doubt]")) {
      input.disabled = input.value !== "none" && !(input.value in scan.layers);
      if (input.disabled) input.checked = false;
    }
    for (const name of ["filled", "doubt"]) {
      if (chosen(name) === "none") form.querySelector(`[name=${name}]:enabled`).checked = name === "filled";
      if (chosen(name) === "none") form.querySelector(`[name=${name}][value=none]`).checked = true;
    }
    form.querySelector("[value=before] + span").textContent = `prediction before${scan.before ? `: ${scan.before}` : ""}`;
  };

  const describe = () => {
    const swatch = (rgb, text) => {
      const dot = element("span", { className: "swatch" });
      dot.style.backgroundColor = css(rgb);
      return element("li", {}, dot, text);
    };
    const labels = scan.structures.map((name, place) => swatch(colour(place + 1), name.replaceAll("_", " ")));
    find(".legend").replaceChildren(...labels, swatch(DOUBT, "doubt"));
    const facts = [
      ["Data set", scan.dataset], ["Case", scan.case], ["Part", scan.part], ["Method", scan.method], ["ξ", scan.xi],
      ["Seed", String(scan.seed)], ["Stage", scan.stage ? keyLink(scan.stage) : "–"], ["Voxels", scan.size.join(" × ")],
      ["Voxel size", `${scan.spacing.map((side) => Number(side.toPrecision(3))).join(" × ")} mm`], ["Note", scan.note],
    ].filter(([, value]) => value);
    find(".facts").replaceChildren(...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
  };

  const choose = async (number) => {
    const wanted = scans[number];
    const names = Object.keys(wanted.layers);
    const decoded = await Promise.all(names.map((name) => decode(wanted.layers[name], wanted.size, wanted.grid)));
    if (Number(find("#scan").value) !== number) return; // another was chosen meanwhile
    scan = wanted;
    layers = Object.fromEntries(names.map((name, place) => [name, decoded[place]]));
    offer();
    describe();
    turn();
  };

  const steps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10, Home: -1e6, End: 1e6 };
  canvas.addEventListener("keydown", (event) => {
    if (!(event.key in steps)) return;
    event.preventDefault();
    scroll(steps[event.key]);
  });
  canvas.addEventListener("wheel", (event) => {
    if (scroll(-Math.sign(event.deltaY))) event.preventDefault(); // at an end the page scrolls on
  }, { passive: false });
  slider.addEventListener("input", draw);
  form.addEventListener("change", (event) => {
    if (event.target.name === "plane") turn();
    else if (event.target.id === "scan") choose(Number(event.target.value));
    else draw();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  find("#scan").append(...scans.map(({ dataset, case: name, part, method, xi, seed }, value) =>
    element("option", { value, textContent: `${dataset} ${name}, ${part}: ${method}, ξ ${xi}, seed ${seed}` })));
  choose(0).then(() => { viewer.hidden = false; });
};

if (viewer) view(JSON.parse(document.getElementById("scans").textContent));
