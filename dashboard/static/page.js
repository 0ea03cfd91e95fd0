// Draws the charts and turns the light on and off. Nothing is fetched.
"use strict";
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

  const button = document.getElementById("theme");
  const show = () => {
    button.setAttribute("aria-pressed", String(isDark()));
    // The class is what tables of itables look at.
    root.classList.toggle("dark", isDark());
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("holdfast-theme", root.dataset.theme); } catch { /* As above. */ }
    show();
  });
  system.addEventListener("change", show);
  show();

  const draw = async (place) => {
    const spec = JSON.parse(document.getElementById(place.dataset.spec).textContent);
    spec.description = place.dataset.title;
    // `ast`: expressions are interpreted, no code is made of text.
    await vegaEmbed(place, spec, { renderer: "svg", actions: false, ast: true, tooltip: { theme: "custom" } });
    place.dataset.drawn = "yes";
  };
  // Long tables: DataTables, which itables brings along, shows one page of rows at a time. Which rows
  // those are is worked out here from the columns as they came: each text is looked at once, however
  // many rows have it. Cells become HTML in DataTables, so all of it is escaped.
  const escaped = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  // Numbers come with the digits that are shown and stay text.
  const numbers = new Set(["money", "count", "share", "ratio", "points"]);
  const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  const dated = (text, isMonth) => {
    const [year, month, day] = text.split("-");
    return `${isMonth ? "" : `${Number(day)} `}${MONTHS[month - 1]} ${year}`;
  };
  // How a text of a kind reads.
  const reader = (kind) => {
    if (kind === "month" || kind === "date") return (text) => dated(text, kind === "month");
    if (!numbers.has(kind)) return (text) => text;
    const suffix = kind === "share" ? "\u00a0%" : "";
    return (text) => {
      const [whole, part] = text.replace("-", "").split(".");
      const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
      return (text.startsWith("-") ? "−" : "") + grouped + (part === undefined ? "" : `.${part}`) + suffix;
    };
  };
  // A column: its texts, and the place of each row's text among them (no places: a text per row).
  const columnOf = ([texts, places], kind, customers) => {
    const read = reader(kind);
    const size = places.length || texts.length;
    const at = places.length ? (row) => places[row] : (row) => row;
    const shown = (text) => (text === "" ? "–" : read(text));
    let ranks = null;
    let searched = null;
    return {
      kind,
      texts,
      size,
      at,
      show: (row) => {
        const text = texts[at(row)];
        // A day stays in one line, a name such as account_management may end one at its underscores.
        const cell = escaped(shown(text)).replace(/_/g, "_<wbr>").replace(/\b\d{4}-\d\d-\d\d\b/g, '<span class="date">$&</span>');
        if (kind !== "customer" && /\S{60}/.test(text)) return `<span class="endless" title="${escaped(text)}">${cell}</span>`;
        return kind === "customer" && customers && text !== ""
          ? `<a href="${escaped(customers)}#${escaped(encodeURIComponent(text))}">${cell}</a>` : cell;
      },
      // The order of the texts; what cannot be said comes before the smallest.
      ranks: () => {
        if (ranks) return ranks;
        const keys = numbers.has(kind) ? texts.map((text) => (text === "" ? -Infinity : Number(text))) : texts.map(plain);
        const order = keys.map((_, place) => place).sort((one, other) => (keys[one] < keys[other] ? -1 : keys[one] > keys[other] ? 1 : 0));
        ranks = new Int32Array(texts.length);
        order.forEach((place, index) => {
          const before = order[index - 1];
          ranks[place] = index && keys[before] === keys[place] ? ranks[before] : index;
        });
        return ranks;
      },
      // Which texts have a word; numbers are sorted, not searched. A date is found as it reads and as 2026-10-31.
      having: (word) => {
        if (numbers.has(kind)) return null;
        searched ??= texts.map((text) => plain(kind === "month" || kind === "date" ? `${text} ${shown(text)}` : text));
        return searched.map((text) => text.includes(word));
      },
    };
  };
  // "two words" in quotes stand together.
  const wordsOf = (text) => [...plain(text).matchAll(/"([^"]+)"?|([^\s"]+)/g)].map((found) => found[1] ?? found[2]);
  const rowsOf = (columns, wanted, chosen, order) => {
    const size = columns[0].size;
    const keep = new Uint8Array(size).fill(1);
    for (const [place, text] of chosen) {
      const { at, texts } = columns[place];
      for (let row = 0; row < size; row += 1) if (texts[at(row)] !== text) keep[row] = 0;
    }
    for (const word of wordsOf(wanted)) {
      const found = columns.map((column) => [column.at, column.having(word)]).filter(([, having]) => having && having.includes(true));
      for (let row = 0; row < size; row += 1) {
        if (keep[row] && !found.some(([at, having]) => having[at(row)])) keep[row] = 0;
      }
    }
    const rows = [];
    for (let row = 0; row < size; row += 1) if (keep[row]) rows.push(row);
    const by = order.map(({ column, dir }) => [columns[column].at, columns[column].ranks(), dir === "desc" ? -1 : 1]);
    if (by.length) {
      rows.sort((one, other) => {
        for (const [at, ranks, sign] of by) {
          const difference = ranks[at(one)] - ranks[at(other)];
          if (difference) return difference * sign;
        }
        return one - other;
      });
    }
    return rows;
  };
  const fill = async (place) => {
    const { default: DataTable } = await window.holdfastTables;
    const kinds = place.dataset.kinds.split(" ");
    const toRead = new Set(place.dataset.read ? place.dataset.read.split(" ").map(Number) : []);
    const came = JSON.parse(document.getElementById(place.dataset.rows).textContent);
    const columns = came.map((column, at) => columnOf(column, kinds[at], place.dataset.customers));
    const chosen = new Map();
    // Turning pages asks for other rows of the same.
    let last = { key: null, rows: [] };
    const asked = ({ draw, start, length, search, order }, answer) => {
      const key = JSON.stringify([search.value, [...chosen], order]);
      if (key !== last.key) last = { key, rows: rowsOf(columns, search.value, chosen, order) };
      const some = length < 0 ? last.rows.slice(start) : last.rows.slice(start, start + length);
      answer({
        draw,
        recordsTotal: columns[0].size,
        recordsFiltered: last.rows.length,
        data: some.map((row) => columns.map((column) => column.show(row))),
      });
    };
    const filled = new DataTable(place, {
      serverSide: true,
      ajax: asked,
      columns: kinds.map((kind, at) => ({
        type: "html",
        className: numbers.has(kind) ? "number" : kind === "date" || kind === "month" || kind === "customer" ? "date" : toRead.has(at) ? "read" : "",
      })),
      autoWidth: false,
      order: [],
      pageLength: 25,
      language: { search: "Search " },
    });
    if (place.dataset.filters) narrow(place, filled, columns, chosen, place.dataset.filters.split(" ").map(Number));
  };
  // A list of the values of a column; choosing one leaves the rows that have it.
  const narrow = (place, filled, columns, chosen, places) => {
    const filters = document.createElement("div");
    filters.className = "filters";
    for (const at of places) {
      const label = document.createElement("label");
      label.textContent = filled.column(at).header().textContent;
      const choice = document.createElement("select");
      choice.add(new Option("all", "all"));
      const values = [...new Set(columns[at].texts)].sort();
      values.forEach((value) => choice.add(new Option(value === "" ? "–" : value, `=${value}`)));
      choice.addEventListener("change", () => {
        if (choice.value === "all") chosen.delete(at);
        else chosen.set(at, values[choice.selectedIndex - 1]);
        filled.draw();
      });
      label.append(choice);
      filters.append(label);
    }
    place.closest(".long").prepend(filters);
  };

  const places = [...document.querySelectorAll("[data-spec], [data-rows]")];
  Promise.allSettled(places.map((place) => (place.dataset.spec ? draw(place) : fill(place)))).then((outcomes) => {
    outcomes.forEach((outcome, index) => {
      if (outcome.status === "rejected") {
        places[index].dataset.drawn = "failed";
        places[index].textContent = "This could not be drawn; its exact values are in the csv file.";
        console.error(outcome.reason);
      }
    });
    root.dataset.drawn = String(places.length);
  });
})();
