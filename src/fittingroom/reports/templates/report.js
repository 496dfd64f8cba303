"use strict";
// The switches of the page, and the confusion matrix whose cells show their pictures. Every word
// enters the page as text, never as HTML. Without this script the page is still whole to read.
(() => {
  const root = document.documentElement;
  const texts = JSON.parse(document.getElementById("page-texts").textContent);
  root.classList.add("js");

  // --- language and appearance -------------------------------------------------------------

  function choose(attribute, value) {
    for (const button of document.querySelectorAll(`[${attribute}]`)) {
      button.setAttribute("aria-pressed", String(button.getAttribute(attribute) === value));
    }
  }

  function setLanguage(language) {
    root.lang = root.dataset.language = language;
    choose("data-choose-language", language);
    document.title = document.querySelector(`[data-choose-language="${language}"]`).dataset.title;
    for (const option of document.querySelectorAll("option[data-en]")) {
      option.textContent = option.dataset[language];
    }
  }

  function setTheme(theme) {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    choose("data-choose-theme", theme);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.chooseLanguage) setLanguage(button.dataset.chooseLanguage);
    if (button.dataset.chooseTheme) setTheme(button.dataset.chooseTheme);
  });
  // report.html#ko opens in Korean.
  setLanguage({ "#en": "en", "#ko": "ko" }[location.hash] || root.dataset.language);
  setTheme("auto");

  // Everything folded is printed.
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not([open])")) {
      details.open = true;
      details.dataset.printed = "";
    }
  });
  addEventListener("afterprint", () => {
    for (const details of document.querySelectorAll("details[data-printed]")) {
      details.open = false;
      delete details.dataset.printed;
    }
  });

  // --- texts -------------------------------------------------------------------------------

  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  }

  function both(key, values) {
    return Object.entries(texts[key]).map(([language, text]) => {
      const span = document.createElement("span");
      span.lang = language;
      span.textContent = fill(text, values);
      return span;
    });
  }

  const count = (number) => number.toLocaleString("en-US");
  const percent = (share) => `${(100 * share).toFixed(1)}%`;

  // --- the confusion matrix ----------------------------------------------------------------

  function explore(box) {
    const data = JSON.parse(box.querySelector("script.data").textContent);
    const table = box.querySelector("table.matrix");
    const cells = [...table.tBodies[0].rows].map((row) => [...row.cells].slice(1));
    const panel = box.querySelector(".cell");
    const list = panel.querySelector(".pictures");
    const more = panel.querySelector(".more");
    const sprite = data.album && Object.assign(new Image(), { src: data.album.source });
    let model = data.models[0];
    let [row, column] = data.opened;
    let values = "counts";

    function draw() {
      model.confusion.forEach((counts, y) => {
        const total = Math.max(1, counts.reduce((sum, number) => sum + number, 0));
        counts.forEach((number, x) => {
          const cell = cells[y][x];
          cell.className = !number ? "none" : x === y ? "right" : "wrong";
          cell.style.setProperty("--s", Math.sqrt(number / total).toFixed(3));
          cell.textContent = values === "counts" ? count(number) : percent(number / total);
        });
      });
    }

    // The places in the album of the pictures of a cell, the surest first.
    function placesIn(y, x) {
      if (!data.album) return [];
      const places = data.album.labels.flatMap((label, place) =>
        label === y && model.predicted[place] === x ? [place] : []);
      return places.sort((a, b) => model.confidence[b] - model.confidence[a] || a - b);
    }

    function picture(place) {
      const { columns, width, height, indices } = data.album;
      const canvas = document.createElement("canvas");
      Object.assign(canvas, { width, height });
      const x = (place % columns) * width;
      const y = Math.floor(place / columns) * height;
      canvas.getContext("2d").drawImage(sprite, x, y, width, height, 0, 0, width, height);
      const thousandths = model.confidence[place];
      const confidence = thousandths === 1000 ? ">99.9%" : percent(thousandths / 1000);
      const caption = document.createElement("span");
      caption.className = "hidden";
      caption.append(...both("page.explorer.picture", {
        true: data.classes[row], predicted: data.classes[column], confidence,
        number: count(indices[place]),
      }));
      const shown = document.createElement("span");
      shown.setAttribute("aria-hidden", "true");
      shown.textContent = confidence;
      const item = document.createElement("li");
      item.title = `${data.classes[row]} \u2192 ${data.classes[column]}, ${confidence}, #${indices[place]}`;
      item.dataset.index = indices[place];
      item.append(canvas, shown, caption);
      return item;
    }

    function open(y, x) {
      cells[row][column].removeAttribute("aria-selected");
      [row, column] = [y, x];
      cells[y][x].setAttribute("aria-selected", "true");
      const number = model.confusion[y][x];
      const total = Math.max(1, model.confusion[y].reduce((sum, value) => sum + value, 0));
      const key = y === x ? "page.explorer.right" : "page.explorer.cell";
      const names = { true: data.classes[y], predicted: data.classes[x] };
      panel.querySelector("h3").replaceChildren(...both(key, names));
      const said = panel.querySelector(".count");
      said.replaceChildren(...(number
        ? both("page.explorer.count", { count: count(number), share: percent(number / total) })
        : both("page.explorer.empty", {})));
      const places = placesIn(y, x);
      if (places.length && places.length < number) {
        said.append(" ", ...both("page.explorer.some", { shown: count(places.length) }));
      }
      show(places, data.atFirst);
    }

    function show(places, most) {
      list.replaceChildren(...places.slice(0, most).map(picture));
      more.hidden = places.length <= most;
      more.replaceChildren(...both("page.explorer.more", { count: count(places.length) }));
      more.onclick = () => {
        show(places, places.length);
        list.tabIndex = -1;
        list.focus();
      };
    }

    // One cell at a time takes the focus; the arrow keys move it (WAI-ARIA, grid pattern).
    function focus(y, x) {
      const inside = (place) => Math.min(Math.max(place, 0), cells.length - 1);
      table.querySelector("td[tabindex='0']").tabIndex = -1;
      const cell = cells[inside(y)][inside(x)];
      cell.tabIndex = 0;
      cell.focus();
    }

    function placeOf(cell) {
      return [cell.parentElement.rowIndex - table.tHead.rows.length, cell.cellIndex - 1];
    }

    function whenKeyIsPressed(event) {
      const cell = event.target.closest("tbody td");
      if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
      const [y, x] = placeOf(cell);
      const moves = {
        ArrowUp: [y - 1, x], ArrowDown: [y + 1, x], ArrowLeft: [y, x - 1], ArrowRight: [y, x + 1],
        Home: [y, 0], End: [y, cells.length - 1], PageUp: [0, x], PageDown: [cells.length - 1, x],
      };
      if (moves[event.key]) focus(...moves[event.key]);
      else if (event.key === "Enter" || event.key === " ") open(y, x);
      else return;
      event.preventDefault();
    }

    function start() {
      table.setAttribute("role", "grid");
      for (const cell of cells.flat()) {
        cell.setAttribute("role", "gridcell");
        cell.tabIndex = -1;
      }
      cells[row][column].tabIndex = 0;
      table.addEventListener("keydown", whenKeyIsPressed);
      table.addEventListener("click", (event) => {
        const cell = event.target.closest("tbody td");
        if (!cell) return;
        focus(...placeOf(cell));
        open(...placeOf(cell));
      });
      for (const button of box.querySelectorAll("[data-values]")) {
        button.addEventListener("click", () => {
          values = button.dataset.values;
          for (const other of box.querySelectorAll("[data-values]")) {
            other.setAttribute("aria-pressed", String(other === button));
          }
          draw();
        });
      }
      const select = box.querySelector("select.model");
      if (select) {
        select.value = "0";
        select.addEventListener("change", () => {
          model = data.models[Number(select.value)];
          draw();
          open(row, column);
        });
      }
      open(row, column);
      box.dataset.ready = "";
    }

    if (sprite) sprite.decode().then(start, start);
    else start();
  }

  document.querySelectorAll(".explorer").forEach(explore);
})();
