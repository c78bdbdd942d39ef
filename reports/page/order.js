// What every table on the page shares: making elements, comparing cells, reading a filter.

const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

const collator = new Intl.Collator("en", { numeric: true });
const leading = /^\s*([+\-−]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)/i;

// The number that a cell begins with ("0.78 ± 0.02" is 0.78), or NaN.
const numberIn = (text) => {
  const found = leading.exec(text);
  return found ? Number(found[1].replace("−", "-")) : NaN;
};

const compareNumbers = (one, other) => one - other;
const compareTexts = (one, other) => {
  const [first, second] = [Number(one), Number(other)];
  const both = one !== "" && other !== "" && !Number.isNaN(first) && !Number.isNaN(second);
  return both ? first - second : collator.compare(one, other);
};

// A sorted copy; what has no number stays at the end in both directions.
const sorted = (rows, valueOf, direction, numeric) => {
  const absent = (value) => (numeric ? value === null || Number.isNaN(value) : value === "");
  const compare = numeric ? compareNumbers : compareTexts;
  const keyed = rows.map((row) => [valueOf(row), row]);
  keyed.sort(([one], [other]) => {
    if (absent(one) || absent(other)) return absent(one) - absent(other);
    return direction * compare(one, other);
  });
  return keyed.map(([, row]) => row);
};

// Headings become buttons: ascending, descending, as written.
const sortable = (heads, changed) => {
  const words = { 1: "ascending", "-1": "descending", 0: "none" };
  let column = -1;
  let direction = 0;
  heads.forEach((head, place) => {
    const button = element("button", { type: "button", className: "sort" }, ...head.childNodes);
    head.replaceChildren(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      direction = column === place ? { 1: -1, "-1": 0, 0: 1 }[direction] : 1;
      column = place;
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", words[direction]);
      changed(column, direction);
    });
  });
};

// One box of text with the number of rows that it leaves.
const filterBox = (title, changed) => {
  const input = element("input", { type: "search", placeholder: "Filter rows", autocomplete: "off" });
  input.setAttribute("aria-label", `Filter rows of ${title}`);
  const count = element("output");
  count.setAttribute("aria-live", "polite");
  input.addEventListener("input", () => changed(input.value));
  return { box: element("p", { className: "tools" }, input, count), input, count };
};

// Fills a filter in for the reader, and goes there.
const narrowTo = (input, text) => {
  input.value = text;
  input.dispatchEvent(new Event("input"));
  input.focus({ preventScroll: true });
  input.closest(".tools").scrollIntoView({ block: "start" });
};

const counted = (shown, all) =>
  shown === all ? `${all.toLocaleString("en")} rows` : `${shown.toLocaleString("en")} of ${all.toLocaleString("en")} rows`;

const word = /([^\s="|]+)=((?:"(?:[^"\\]|\\.)*"|[^\s"])*)|"([^"]*)"|(\S+)/g;
const choice = /"(?:[^"\\]|\\.)*"|[^|"]+/g;

const unquoted = (text) => {
  if (!text.startsWith('"')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text.slice(1, -1);
  }
};

// A filter as a test of (text of the row, value by column name); every word must hold.
const filter = (text, columns) => {
  const tests = [...text.matchAll(word)].map(([whole, name, values, quoted]) => {
    const column = name?.toLowerCase();
    if (column && columns.includes(column)) {
      const wanted = (values.match(choice) ?? []).map((value) => unquoted(value).toLowerCase());
      return wanted.length ? (_, valueOf) => wanted.includes(valueOf(column).toLowerCase()) : () => true;
    }
    const needle = (quoted ?? whole).toLowerCase();
    return (row) => row.includes(needle);
  });
  return (row, valueOf) => tests.every((test) => test(row, valueOf));
};
