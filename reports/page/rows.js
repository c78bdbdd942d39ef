// Long tables, kept as columns of data; only one page of rows is ever in the document.

const PAGE = 100;

const column = ({ name, head, words, codes, digits, values }) => {
  const numeric = values !== undefined;
  const shown = (row) => (values[row] === null ? "–" : values[row].toFixed(digits));
  return {
    name, head, numeric,
    length: (numeric ? values : codes).length,
    value: numeric ? (row) => values[row] : (row) => words[codes[row]],
    text: numeric ? shown : (row) => words[codes[row]],
  };
};

const keyLink = (key) => {
  const link = element("a", { className: "key", href: "#stages", textContent: key });
  link.dataset.stage = key;
  return link;
};

const cell = ({ name, numeric, text }, row) => {
  const words = text(row);
  const made = element("td", { className: numeric ? "number" : words.length > 60 ? "long" : "" });
  made.append(name === "stage" && words ? keyLink(words) : words);
  if (name === "status" && words !== "ok") made.classList.add("failed");
  return made;
};

const rowTable = (host) => {
  const all = JSON.parse(document.getElementById(host.dataset.from).textContent).map(column);
  const hidden = (host.dataset.hidden ?? "").split(" ");
  const columns = all.filter(({ name }) => !hidden.includes(name));
  const every = Array.from({ length: all[0].length }, (_, row) => row);
  const names = columns.map(({ name }) => name);
  const haystack = [];
  const textOf = (row) => (haystack[row] ??= columns.map(({ text }) => text(row)).join("\t").toLowerCase());
  let order = every;
  let found = every;
  let words = "";
  let first = 0;

  const body = element("tbody");
  const heads = columns.map(({ head, numeric }) => element("th", { scope: "col", className: numeric ? "number" : "", textContent: head }));
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body);
  const box = element("div", { className: "box", tabIndex: 0, role: "region", ariaLabel: host.dataset.title }, table);
  const where = element("span");
  const back = element("button", { type: "button", textContent: "Previous" });
  const on = element("button", { type: "button", textContent: "Next" });
  const pager = element("p", { className: "pager" }, back, where, on);

  const draw = () => {
    const shown = found.slice(first, first + PAGE);
    body.replaceChildren(...shown.map((row) => element("tr", {}, ...columns.map((one) => cell(one, row)))));
    where.textContent = shown.length ? `${first + 1}–${first + shown.length} of ${found.length.toLocaleString("en")}` : "no rows";
    back.disabled = first === 0;
    on.disabled = first + PAGE >= found.length;
    pager.hidden = found.length <= PAGE;
    box.scrollTop = 0;
  };
  const select = () => {
    const holds = filter(words, names);
    found = words.trim() ? order.filter((row) => holds(textOf(row), (name) => columns[names.indexOf(name)].text(row))) : order;
    first = 0;
    count.textContent = counted(found.length, every.length);
    draw();
  };
  const { box: tools, input, count } = filterBox(host.dataset.title, (text) => {
    words = text;
    select();
  });
  back.addEventListener("click", () => { first = Math.max(0, first - PAGE); draw(); });
  on.addEventListener("click", () => { first += PAGE; draw(); });
  sortable(heads, (place, direction) => {
    const { value, numeric } = columns[place];
    order = direction ? sorted(every, value, direction, numeric) : every;
    select();
  });
  host.append(tools, box, pager);
  select();
  return {
    narrow: (text) => narrowTo(input, text),
    record: (key) => {
      const row = every.find((place) => all[0].text(place) === key);
      return row === undefined ? null : all.map(({ name, head, text }) => ({ name, head, text: text(row) }));
    },
  };
};

const rowTables = new Map([...document.querySelectorAll(".rows")].map((host) => [host.dataset.from, rowTable(host)]));

// A row of a table leads to the cases that it sums up, a verdict to the row that it judges.
for (const link of document.querySelectorAll("a[data-words]")) {
  const target = link.getAttribute("href").slice(1);
  const narrowed = narrow.get(target) ?? rowTables.get(`${target}-data`)?.narrow;
  if (!narrowed) continue; // a figure has no rows
  link.addEventListener("click", (event) => {
    event.preventDefault();
    narrowed(link.dataset.words);
  });
}
