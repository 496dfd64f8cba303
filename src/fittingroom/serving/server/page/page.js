"use strict";
// Pictures in, answers out. A picture is sent twice: first for the answers, which are there at
// once, then for the heat maps, which take longer. Every word enters the page as text, never as
// HTML, and nothing is asked of any host but the one that the page came from.
(() => {
  const root = document.documentElement;
  const texts = JSON.parse(document.getElementById("texts").textContent);
  const byId = (id) => document.getElementById(id);

  const MOST_PICTURES = 20;
  const MOST_MEGABYTES = 10;
  const MOST_BYTES = MOST_MEGABYTES * 2 ** 20 - 2048; // the form around a picture counts too
  const MOST_MODELS_AT_FIRST = 3;
  const QUIET = 300; // milliseconds, before which nobody needs to know that something is going on
  const PATIENCE = 8000; // milliseconds, after which they do
  const FINAL = [413, 415, 422]; // statuses after which the same picture would be refused again
  const FIRST = 3; // of the ranked classes
  const PIECES = 3; // rows and columns in which a heat map is put into words

  root.classList.add("js");

  // --- language and appearance -------------------------------------------------------------

  // Where cookies are forbidden, so is this: what was chosen is then forgotten.
  function recall(name) {
    try {
      return localStorage.getItem(`fittingroom.${name}`);
    } catch {
      return null;
    }
  }

  function remember(name, value) {
    try {
      localStorage.setItem(`fittingroom.${name}`, value);
    } catch { /* see recall */ }
  }

  let language = root.lang;

  function say(key, values = {}) {
    return texts[language][key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  }

  function choose(attribute, value) {
    for (const button of document.querySelectorAll(`[${attribute}]`)) {
      button.setAttribute("aria-pressed", String(button.getAttribute(attribute) === value));
    }
  }

  function setLanguage(chosen) {
    language = root.lang = chosen;
    choose("data-choose-language", chosen);
    document.title = `${say("frame.title")} \u00b7 fittingroom`;
    for (const element of document.querySelectorAll("[data-text]")) {
      element.textContent = say(element.dataset.text);
    }
    for (const element of document.querySelectorAll("[data-label]")) {
      element.setAttribute("aria-label", say(element.dataset.label));
    }
    byId("limits").textContent = say("give.limits", {
      most: MOST_PICTURES, megabytes: MOST_MEGABYTES,
    });
    byId("refused").replaceChildren();
    drawModels();
    cards.forEach(drawCard);
  }

  function setTheme(theme) {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    choose("data-choose-theme", theme);
  }

  // "auto" is the browser's; a choice on this page goes before both.
  function firstLanguage() {
    const browsers = navigator.languages.map((tag) => tag.split("-")[0]);
    return [recall("language"), root.dataset.wanted, ...browsers].find((tag) => ["en", "ko"].includes(tag)) ?? "en";
  }

  // --- making elements ---------------------------------------------------------------------

  // Attributes that are functions listen; what is false, null or empty is left out.
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null) element.setAttribute(name, value);
    }
    element.append(...children.flat().filter(Boolean));
    return element;
  }

  // Replaces what an element holds; what had the focus has it again, if it is still there.
  function refill(element, ...children) {
    const focused = element.contains(document.activeElement) && document.activeElement.dataset.key;
    element.replaceChildren(...children.flat().filter(Boolean));
    if (focused) element.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  function tell(text) {
    byId("status").textContent = text;
  }

  function percent(share) {
    if (share > 0.999) return ">99.9%";
    if (share > 0 && share < 0.001) return "<0.1%";
    return `${(100 * share).toFixed(1)}%`;
  }

  const score = (share) => `${(100 * share).toFixed(2)}%`;

  // A class as it is called here: its own name, and in Korean its Korean one, if it has one.
  function called(name) {
    return (language === "ko" && texts.names[name]) || name;
  }

  function named(name) {
    const found = called(name);
    if (found === name) return [make("span", {}, name)];
    return [make("span", {}, found), " ", make("span", { class: "original", lang: "en" }, name)];
  }

  // --- the models --------------------------------------------------------------------------

  let models = null; // null: not known yet; "dead": nobody said
  const chosen = new Set();
  const chosenModels = () => models.filter((model) => chosen.has(model.name));

  async function fetchModels() {
    models = null;
    drawModels();
    try {
      const response = await fetch("/api/models");
      if (!response.ok) throw new Error(response.status);
      models = await response.json();
    } catch {
      models = "dead";
    }
    if (models !== "dead" && !chosen.size) {
      models.slice(0, MOST_MODELS_AT_FIRST).forEach((model) => chosen.add(model.name));
    }
    drawModels();
    if (models !== "dead") cards.forEach(ask);
  }

  function drawModels() {
    const box = byId("models");
    if (models === null) {
      refill(box, make("p", { class: "note" }, say("models.waiting")));
    } else if (models === "dead") {
      refill(box, make("div", { class: "state", role: "alert" },
        make("p", {}, say("models.dead")),
        make("button", { type: "button", "data-key": "again", click: fetchModels }, say("models.again"))));
    } else {
      const many = models.length > 1;
      refill(box,
        many && !chosen.size && make("p", { class: "none", role: "alert" }, say("models.none")),
        make("ul", { class: "choices" }, models.map((model) => modelChoice(model, many))));
    }
  }

  function modelChoice(model, many) {
    const { test } = model;
    const name = make("strong", {}, model.name);
    const box = many && make("input", {
      type: "checkbox", "data-key": model.name, checked: chosen.has(model.name), change: (event) => {
        if (event.target.checked) chosen.add(model.name);
        else chosen.delete(model.name);
        drawModels();
        cards.forEach((card) => (card.wait ? drawCard(card) : ask(card)));
      },
    });
    return make("li", {},
      many ? make("label", {}, box, name) : make("p", {}, name),
      make("p", { class: "facts-line" }, say("models.accuracy", { accuracy: score(test.accuracy) })),
      make("p", { class: "note" }, say("models.interval", {
        interval: test.interval.map(score).join("\u2013"), count: test.count.toLocaleString("en-US"),
      })),
      make("p", { class: "note" }, say("models.data", { data: model.data_name }),
        model.matrix && " · ",
        model.matrix && make("a", {
          href: `${model.matrix}#${language}`, target: "_blank", rel: "noopener",
        }, say("models.matrix"), make("span", { class: "hidden" }, ` (${say("models.new-tab")})`))),
      model.sketches && make("p", { class: "mind" }, say("models.sketches")),
      model.fitted_on === "training" && make("p", { class: "mind" }, say("models.training")));
  }

  // --- giving pictures ---------------------------------------------------------------------

  function take(files, name = null) {
    const given = [...files];
    const refused = [];
    const taken = given.slice(0, MOST_PICTURES).filter((file) => {
      const why = reason(file);
      if (why) refused.push(why);
      return !why;
    });
    if (given.length > MOST_PICTURES) {
      refused.push(say("refused.too-many", { count: given.length, most: MOST_PICTURES }));
    }
    refuse(refused);
    const made = taken.map((file) => makeCard(file, name ?? file.name));
    if (!made.length) return;
    cards.unshift(...made);
    byId("cards").prepend(...made.map((card) => card.element));
    byId("results").hidden = false;
    made.forEach(ask);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    byId("results").scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
  }

  function reason(file) {
    if (file.type && !file.type.startsWith("image/")) return say("refused.not-picture", { name: file.name });
    if (!file.size) return say("refused.empty", { name: file.name });
    if (file.size <= MOST_BYTES) return null;
    return say("refused.too-large", {
      name: file.name, megabytes: (file.size / 2 ** 20).toFixed(1), most: MOST_MEGABYTES,
    });
  }

  function refuse(sentences) {
    byId("refused").replaceChildren(...sentences.map((sentence) => make("p", {}, sentence)));
  }

  function listen() {
    const zone = byId("zone");
    const [files, camera] = [byId("files"), byId("camera")];
    byId("choose").addEventListener("click", () => files.click());
    byId("photograph").addEventListener("click", () => camera.click());
    for (const input of [files, camera]) {
      input.addEventListener("change", () => {
        take(input.files, input === camera ? say("give.photographed") : null);
        input.value = ""; // so that the same picture can be given again
      });
    }

    // Pictures may be dropped anywhere on the page, so that none that misses replaces it.
    function over(dragged) {
      zone.classList.toggle("over", dragged);
      for (const text of zone.querySelectorAll("[data-when]")) {
        text.hidden = (text.dataset.when === "over") !== dragged;
      }
    }
    addEventListener("dragover", (event) => {
      event.preventDefault();
      over(true);
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) over(false);
    });
    addEventListener("drop", (event) => {
      event.preventDefault();
      over(false);
      if (event.dataTransfer.files.length) take(event.dataTransfer.files);
      else refuse([say("refused.nothing")]);
    });

    addEventListener("paste", (event) => {
      const pasted = event.clipboardData?.files ?? [];
      if (!pasted.length || byId("drawing").open) return;
      event.preventDefault();
      // The clipboard calls every picture the same.
      take(pasted, pasted.length === 1 ? say("give.pasted") : null);
    });
  }

  // --- a picture and its answers -----------------------------------------------------------

  const cards = []; // the newest first
  let made = 0;
  let heatShown = recall("heat") !== "hidden";

  // `wait` is what goes on: null, or { slow, shown, controller }; `trouble` is what went wrong;
  // `answers` and `heat` are kept by model, so that choosing another asks for that one alone.
  function makeCard(file, name) {
    made += 1;
    const photo = make("img", { alt: "" });
    const card = {
      id: `picture-${made}`, file, name, photo, url: URL.createObjectURL(file),
      element: make("article", { class: "card", tabindex: "-1", "aria-labelledby": `picture-${made}-name` }),
      answers: new Map(), heat: new Map(), unfolded: new Set(),
      wait: null, trouble: null, heatWait: null, heatTrouble: false, unseen: false,
    };
    photo.addEventListener("error", () => {
      card.unseen = true;
      drawCard(card);
    });
    photo.src = card.url;
    return card;
  }

  function removeCard(card, quietly = false) {
    const place = cards.indexOf(card);
    card.wait?.controller.abort("removed");
    card.heatWait?.abort("removed");
    URL.revokeObjectURL(card.url);
    cards.splice(place, 1);
    card.element.remove();
    byId("results").hidden = !cards.length;
    if (quietly) return;
    tell(say("cards.removed", { name: card.name }));
    explainNext();
    const next = cards[Math.min(place, cards.length - 1)];
    (next ? next.element.querySelector("[data-key='remove']") : byId("choose")).focus();
  }

  async function post(card, names, explain, signal) {
    const query = new URLSearchParams([
      ...names.map((name) => ["model", name]), ["explain", explain], ["seen", !explain],
    ]);
    const form = new FormData();
    form.append("files", card.file, card.name);
    const response = await fetch(`/api/predict?${query}`, { method: "POST", body: form, signal });
    if (response.ok) return (await response.json()).results[0].answers;
    const said = await response.json().catch(() => ({}));
    throw Object.assign(new Error(said.error ?? ""), { status: response.status });
  }

  function kindOf(status) {
    if (FINAL.includes(status)) return "unreadable";
    return status < 500 ? "refused" : status === 503 ? "busy" : "broken";
  }

  async function ask(card) {
    if (!Array.isArray(models)) return drawCard(card);
    const names = chosenModels().map((model) => model.name).filter((name) => !card.answers.has(name));
    if (!names.length || card.wait) {
      drawCard(card);
      return explainNext();
    }
    const controller = new AbortController();
    const wait = { controller, shown: false, slow: false };
    const timers = [[QUIET, "shown"], [PATIENCE, "slow"]].map(([after, what]) => setTimeout(() => {
      wait[what] = true;
      drawCard(card);
      if (what === "slow") tell(say("cards.slow"));
    }, after));
    card.wait = wait;
    card.trouble = null;
    drawCard(card);
    try {
      for (const answer of await post(card, names, false, controller.signal)) {
        card.answers.set(answer.model, answer);
      }
    } catch (error) {
      if (controller.signal.reason === "removed") return;
      card.trouble = controller.signal.aborted ? { kind: "cancelled" }
        : !error.status ? { kind: "dead" }
          : { kind: kindOf(error.status), sentence: error.message, final: FINAL.includes(error.status) };
    } finally {
      timers.forEach(clearTimeout);
      card.wait = null;
    }
    if (card.trouble) {
      drawCard(card);
      return explainNext();
    }
    announce(card);
    return ask(card); // what was chosen meanwhile
  }

  // Heat maps take long, so that they wait until every picture has its answers, and for each other.
  function explainNext() {
    if (!Array.isArray(models) || cards.some((card) => card.wait || card.heatWait)) return;
    const next = cards.find((card) => !card.heatTrouble && unexplained(card).length);
    if (next) explain(next);
  }

  function unexplained(card) {
    return shownAnswers(card).map((answer) => answer.model).filter((name) => !card.heat.has(name));
  }

  async function explain(card) {
    card.heatWait = new AbortController();
    const { signal } = card.heatWait;
    drawCard(card);
    try {
      for (const answer of await post(card, unexplained(card), true, signal)) {
        card.heat.set(answer.model, answer.heat);
      }
    } catch {
      card.heatTrouble = true;
    }
    card.heatWait = null;
    if (!signal.aborted) drawCard(card);
    explainNext();
  }

  function announce(card) {
    const said = shownAnswers(card).map((answer) => {
      const values = {
        model: answer.model, answer: called(answer.answer), confidence: percent(answer.confidence),
      };
      return say(answer.believable ? "cards.said" : "cards.doubted", values);
    });
    tell(say("cards.announced", { name: card.name, answers: said.join(" ") }));
  }

  function shownAnswers(card) {
    if (!Array.isArray(models)) return [];
    return chosenModels().map((model) => card.answers.get(model.name)).filter(Boolean);
  }

  // --- how it is drawn ---------------------------------------------------------------------

  // What is pressed must still be there when it is let go: until then, nothing is drawn anew.
  const later = new Set();
  let pressed = false;
  addEventListener("pointerdown", () => { pressed = true; }, true);
  for (const end of ["pointerup", "pointercancel"]) {
    addEventListener(end, () => {
      pressed = false;
      setTimeout(() => {
        const waiting = [...later].filter((card) => cards.includes(card));
        later.clear();
        waiting.forEach(drawCard);
      });
    }, true);
  }

  function drawCard(card) {
    if (pressed) {
      later.add(card);
      return;
    }
    const found = shownAnswers(card);
    // What all answers are warned of alike is said once.
    const shared = found.length > 0 && found.every((answer) =>
      answer.believable === found[0].believable && String(answer.warnings) === String(found[0].warnings));
    refill(card.element,
      make("header", {},
        make("h3", { id: `${card.id}-name` }, card.name),
        make("button", {
          type: "button", class: "remove", "data-key": "remove",
          "aria-label": say("cards.remove", { name: card.name }), click: () => removeCard(card),
        }, "\u00d7")),
      make("div", { class: "parts" },
        photoPart(card, found),
        make("div", { class: "said" },
          statePart(card, found),
          shared && alarm(found[0], found.length),
          agreement(found),
          found.length > 0 && make("div", { class: "columns-of-answers" },
            found.map((answer) => answerPart(card, answer, shared))),
          found.length > 0 && heatPart(card, found))));
    card.element.setAttribute("aria-busy", String(card.wait !== null));
  }

  function photoPart(card, found) {
    const boxed = found.find((answer) => answer.box);
    const blank = found.some((answer) => answer.warnings.includes("blank"));
    const caption = boxed ? "cards.boxed" : found.length > 0 && !blank && "cards.unboxed";
    const frame = make("div", { class: "photo-frame" },
      card.unseen ? make("p", { class: "note" }, say("cards.unseen")) : card.photo);
    card.photo.alt = say(boxed ? "cards.photo-box" : "cards.photo", { name: card.name });
    if (boxed && !card.unseen) {
      const [left, top, right, bottom] = boxed.box;
      const [width, height] = boxed.shown_size;
      const box = make("span", { class: "box" });
      Object.assign(box.style, {
        left: `${(100 * left) / width}%`, top: `${(100 * top) / height}%`,
        width: `${(100 * (right - left)) / width}%`, height: `${(100 * (bottom - top)) / height}%`,
      });
      frame.append(box);
    }
    return make("figure", { class: "photo" }, frame,
      caption && make("figcaption", { class: "note" }, say(caption)));
  }

  function statePart(card, found) {
    if (card.wait) {
      if (!card.wait.shown) return null;
      return make("div", { class: "state" },
        make("span", { class: "bar-of-progress", "aria-hidden": "true" }),
        make("p", {}, say(card.wait.slow ? "cards.slow" : "cards.waiting")),
        make("button", {
          type: "button", "data-key": "cancel", click: () => card.wait.controller.abort("cancelled"),
        }, say("cards.cancel")));
    }
    if (card.trouble) {
      const { kind, sentence, final } = card.trouble;
      return make("div", { class: "state trouble", role: "alert" },
        make("p", {}, say(`cards.${kind}`)),
        sentence && make("p", { class: "sentence", lang: "en" }, sentence),
        !final && make("button", {
          type: "button", "data-key": "again", click: () => {
            ask(card);
            card.element.focus();
          },
        }, say("cards.again")));
    }
    if (found.length) return null;
    if (models === "dead") return make("p", { class: "state" }, say("models.dead"));
    return models && make("p", { class: "state" }, say("models.none"));
  }

  function agreement(found) {
    if (found.length < 2 || !found.some((answer) => answer.believable)) return null;
    const same = found.every((answer) => answer.answer === found[0].answer);
    return make("p", { class: same ? "agreement" : "agreement differs" },
      say(same ? "cards.agree" : "cards.disagree"));
  }

  function answerPart(card, answer, warned) {
    const { test } = models.find((model) => model.name === answer.model);
    return make("section", {
      class: answer.believable ? "answer" : "answer doubtful", "aria-label": answer.model,
    },
    make("h4", {}, answer.model),
    make("p", { class: "note" }, say("models.accuracy", { accuracy: score(test.accuracy) })),
    make("div", { class: "room" }, make("div", { class: "answer-parts" },
      seenPart(card, answer),
      make("div", { class: "words" },
        !warned && alarm(answer),
        answer.believable ? headline(answer) : make("p", { class: "faint" }, say("answer.faint", {
          answer: called(answer.answer), confidence: percent(answer.confidence),
        })),
        ranking(card, answer)))));
  }

  function headline(answer) {
    return make("p", { class: "headline-answer" },
      make("strong", {}, named(answer.answer)), " ",
      make("span", { class: "confidence" }, `${say("answer.sure")} ${percent(answer.confidence)}`));
  }

  function alarm({ warnings, believable }, answers = 1) {
    if (!warnings.length) return null;
    const title = say(believable ? "answer.doubt" : answers > 1 ? "answer.disbelieve-all" : "answer.disbelieve");
    return make("div", { class: "alarm" },
      make("p", { class: "alarm-title" }, title),
      warnings.map((code) => {
        const known = `warn.${code}` in texts[language] ? code : "other";
        return make("p", {}, make("strong", {}, say(`warn.${known}`, { code })), " ", say(`warn.${known}-do`));
      }));
  }

  function ranking(card, answer) {
    const all = card.unfolded.has(answer.model);
    const shown = all ? answer.ranked : answer.ranked.slice(0, FIRST);
    return [
      make("ol", { class: "ranking", "aria-label": say("answer.answers"), id: `${card.id}-${answer.model}` },
        shown.map(({ class: name, probability }) => {
          const bar = make("span", { class: "bar" });
          bar.style.width = `${100 * probability}%`;
          return make("li", {},
            make("span", { class: "class" }, named(name)),
            make("span", { class: "share" }, percent(probability)),
            make("span", { class: "track", "aria-hidden": "true" }, bar));
        })),
      answer.ranked.length > FIRST && make("button", {
        type: "button", class: "quiet", "data-key": `all-${answer.model}`, "aria-expanded": String(all),
        "aria-controls": `${card.id}-${answer.model}`,
        click: () => {
          if (all) card.unfolded.delete(answer.model);
          else card.unfolded.add(answer.model);
          drawCard(card);
        },
      }, all ? say("answer.fewer") : say("answer.all", { count: answer.ranked.length })),
    ];
  }

  function seenPart(card, answer) {
    const [, height, width] = models.find((model) => model.name === answer.model).input_shape;
    const heat = card.heat.get(answer.model);
    const frame = make("div", { class: "seen-frame" },
      make("img", { src: answer.seen, alt: say("answer.seen") }),
      heat && heatShown && heatCanvas(heat));
    frame.style.aspectRatio = `${width} / ${height}`;
    return make("figure", { class: "seen" }, frame,
      make("figcaption", { class: "note" },
        make("span", {}, say("answer.seen")), make("br"),
        // The program shows pictures dark on white, whatever the model takes them for.
        [say("answer.seen-size", { width, height }),
          answer.box && !answer.negated && say("answer.exchanged")].filter(Boolean).join(", ")));
  }

  // Above 0, where covering takes from the answer, blue; below, orange; the farther, the deeper.
  function heatCanvas(heat) {
    const [height, width] = [heat.length, heat[0].length];
    const canvas = make("canvas", {
      class: "heat", width, height, role: "img",
      "aria-label": say("heat.label", { place: say(`heat.place-${mainPlace(heat)}`) }),
    });
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    heat.flat().forEach((value, place) => {
      const colour = value > 0 ? [64, 150, 255] : [255, 128, 32];
      image.data.set([...colour, 215 * Math.abs(value)], 4 * place);
    });
    context.putImageData(image, 0, 0);
    return canvas;
  }

  // The ninth of a picture from which most came, row by row.
  function mainPlace(heat) {
    const sums = new Array(PIECES ** 2).fill(0);
    heat.forEach((row, y) => row.forEach((value, x) => {
      const piece = (place, length) => Math.floor((PIECES * place) / length);
      sums[PIECES * piece(y, heat.length) + piece(x, row.length)] += Math.max(value, 0);
    }));
    return sums.indexOf(Math.max(...sums));
  }

  function heatPart(card, found) {
    const explained = found.filter((answer) => card.heat.get(answer.model));
    if (card.heatTrouble) {
      return make("p", { class: "heat-line note" }, say("heat.failed"), " ", make("button", {
        type: "button", class: "quiet", "data-key": "heat-again", click: () => {
          card.heatTrouble = false;
          explainNext();
        },
      }, say("heat.again")));
    }
    if (!explained.length) return make("p", { class: "heat-line note" }, say("heat.waiting"));
    return make("div", { class: "heat-line" },
      make("button", {
        type: "button", class: "toggle", "data-key": "heat", "aria-pressed": String(heatShown), click: () => {
          heatShown = !heatShown;
          remember("heat", heatShown ? "shown" : "hidden");
          cards.forEach(drawCard);
        },
      }, say("heat.show")),
      heatShown && make("ul", { class: "legend" },
        ["takes", "adds"].map((name) => make("li", {},
          make("span", { class: `swatch ${name}`, "aria-hidden": "true" }), say(`heat.${name}`)))));
  }

  // --- drawing one -------------------------------------------------------------------------

  function drawingBoard() {
    const dialog = byId("drawing");
    const paper = byId("paper");
    const context = paper.getContext("2d");
    const widths = { thick: 44, middle: 22, thin: 9 };
    const inks = { dark: "#26282b", grey: "#85888c", light: "#c4c6c9", rubber: "#ffffff" };
    const strokes = [];
    let stroke = null;

    const option = (name) => dialog.querySelector(`input[name="${name}"]:checked`).value;

    function wipe() {
      context.fillStyle = "#ffffff";
      context.fillRect(0, 0, paper.width, paper.height);
    }

    function redraw() {
      wipe();
      strokes.forEach(drawStroke);
      byId("undo").disabled = byId("wipe").disabled = !strokes.length;
      byId("blank").textContent = "";
    }

    function drawStroke({ points, width, ink }) {
      Object.assign(context, { lineWidth: width, strokeStyle: ink, lineCap: "round", lineJoin: "round" });
      context.beginPath();
      context.moveTo(...points[0]);
      points.forEach((point) => context.lineTo(...point));
      context.stroke();
    }

    function pointOf(event) {
      const { left, top, width, height } = paper.getBoundingClientRect();
      return [((event.clientX - left) * paper.width) / width, ((event.clientY - top) * paper.height) / height];
    }

    function undo() {
      strokes.pop();
      redraw();
      if (!strokes.length) byId("ask").focus();
    }

    paper.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      paper.setPointerCapture(event.pointerId);
      stroke = {
        points: [pointOf(event)], width: widths[option("brush")], ink: inks[option("ink")], pen: event.pointerId,
      };
      strokes.push(stroke);
      redraw();
    });
    paper.addEventListener("pointermove", (event) => {
      if (stroke?.pen !== event.pointerId) return;
      const events = event.getCoalescedEvents?.() ?? [];
      stroke.points.push(...(events.length ? events : [event]).map(pointOf));
      redraw();
    });
    for (const end of ["pointerup", "pointercancel"]) {
      paper.addEventListener(end, () => { stroke = null; });
    }
    dialog.addEventListener("keydown", (event) => {
      if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || !strokes.length) return;
      event.preventDefault();
      undo();
    });
    byId("undo").addEventListener("click", undo);
    byId("wipe").addEventListener("click", () => {
      strokes.length = 0;
      redraw();
      byId("ask").focus();
    });
    byId("close").addEventListener("click", () => dialog.close());
    byId("draw").addEventListener("click", () => {
      redraw();
      dialog.showModal();
    });
    byId("ask").addEventListener("click", () => {
      if (!strokes.length) {
        byId("blank").textContent = say("draw.blank");
        return;
      }
      paper.toBlob((blob) => {
        dialog.close();
        take([new File([blob], "drawing.png", { type: "image/png" })], say("give.drawn"));
      }, "image/png");
    });
  }

  // --- start -------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.chooseLanguage) {
      setLanguage(button.dataset.chooseLanguage);
      remember("language", language);
    } else if (button?.dataset.chooseTheme) {
      setTheme(button.dataset.chooseTheme);
      remember("theme", button.dataset.chooseTheme);
    }
  });
  byId("clear").addEventListener("click", () => {
    [...cards].forEach((card) => removeCard(card, true));
    byId("choose").focus();
  });
  listen();
  drawingBoard();
  setLanguage(firstLanguage());
  setTheme(recall("theme") ?? "auto");
  fetchModels();
})();
