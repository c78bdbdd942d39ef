// What opens over the page: an enlarged figure, or all that is known of a stage.

const dialog = document.getElementById("enlarged");
const bodyOf = dialog.querySelector(".body");
const titleOf = dialog.querySelector("h2");
let opener = null;

const open = (title, content, from) => {
  titleOf.textContent = title;
  bodyOf.replaceChildren(content);
  bodyOf.scrollTo(0, 0);
  if (dialog.open) return;
  opener = from;
  dialog.showModal();
};

dialog.querySelector(".close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // beside the content
});
dialog.addEventListener("close", () => {
  bodyOf.replaceChildren();
  opener?.focus();
});

for (const figure of document.querySelectorAll("figure")) {
  const picture = figure.querySelector("img");
  const title = figure.querySelector("h3").textContent;
  const button = element("button", { type: "button", className: "enlarge", ariaLabel: `Enlarge: ${title}` });
  picture.replaceWith(button);
  button.append(picture);
  button.addEventListener("click", () => {
    const large = element("img", { src: picture.src, alt: picture.alt });
    open(title, large, button);
  });
}

const pretty = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};

const fact = ({ name, head, text }) => {
  const shown = element("dd");
  if (name === "settings") shown.append(element("pre", { textContent: pretty(text) }));
  else if (name === "inputs") shown.append(...text.split(/\s+/).flatMap((key) => [keyLink(key), " "]));
  else shown.textContent = text;
  return [element("dt", { textContent: head }), shown];
};

const showStage = (key, from) => {
  const known = rowTables.get("stages-data").record(key);
  const facts = (known ?? []).filter(({ name, text }) => name !== "stage" && text && text !== "–");
  const list = facts.length
    ? element("dl", {}, ...facts.flatMap(fact))
    : element("p", { textContent: "Nothing else is known of this stage here." });
  open(key, list, from);
};

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-stage]");
  if (!link) return;
  event.preventDefault();
  showStage(link.dataset.stage, link);
});
