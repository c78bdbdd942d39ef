// The tables that stand in the page: sorted and filtered where they are.

const enhance = (table) => {
  const body = table.tBodies[0];
  const box = table.closest(".box");
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  const names = heads.map((head) => head.textContent.trim().toLowerCase());
  const numeric = heads.map((head) => head.classList.contains("number"));
  const written = [...body.rows];
  const texts = new Map(written.map((row) => [row, row.innerText.toLowerCase()]));
  const valueIn = (row, place) => row.cells[place].textContent.trim();

  const { box: tools, input, count } = filterBox(box.getAttribute("aria-label"), (text) => {
    const holds = filter(text, names);
    let shown = 0;
    for (const row of written) {
      row.hidden = !holds(texts.get(row), (name) => valueIn(row, names.indexOf(name)));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = counted(shown, written.length);
  });
  count.textContent = counted(written.length, written.length);
  box.before(tools);
  sortable(heads, (column, direction) => {
    const valueOf = (row) => (numeric[column] ? numberIn(valueIn(row, column)) : valueIn(row, column));
    table.classList.toggle("sorted", direction !== 0);
    body.append(...(direction ? sorted(written, valueOf, direction, numeric[column]) : written));
  });
  return (text) => narrowTo(input, text);
};

const narrow = new Map([...document.querySelectorAll("table.sheet")].map((table) => [table.id, enhance(table)]));

// A count in the summary leads to the rows that it counts.
for (const link of document.querySelectorAll("a[data-verdict]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    narrow.get(link.getAttribute("href").slice(1))?.(`verdict=${JSON.stringify(link.dataset.verdict)}`);
  });
}
