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
  // Long tables: DataTables, which itables brings along. Cells become HTML there, and so does what is
  // searched (it reads entities by setting innerHTML, where an image loads and its handler runs): all
  // of it is escaped.
  const escaped = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const digits = { money: 2, count: 0, share: 4, ratio: 4 };
  const columnOf = (kind, customers) => {
    if (kind === "customer" && customers) {
      return {
        type: "string",
        render: (text, type) => (type === "filter" ? escaped(text) : type !== "display" ? text : text === "" ? "–"
          : `<a href="${escaped(customers)}#${encodeURIComponent(text)}">${escaped(text)}</a>`),
      };
    }
    if (!(kind in digits)) {
      return {
        type: "string",
        className: kind === "date" ? "date" : "",
        render: (text, type) => (type === "display" ? escaped(text || "–") : type === "filter" ? escaped(text) : text),
      };
    }
    const format = new Intl.NumberFormat("en-US", { minimumFractionDigits: digits[kind], maximumFractionDigits: digits[kind] });
    const show = (text) => {
      if (text === "") return "–";
      const number = Number(text) * (kind === "share" ? 100 : 1);
      return (number < 0 ? "−" : "") + format.format(Math.abs(number)) + (kind === "share" ? "\u00a0%" : "");
    };
    return {
      type: "num",
      className: "number",
      // What is searched is made ready for all rows at once: numbers are sorted, not searched.
      searchable: false,
      // What cannot be said comes before the smallest.
      render: (text, type) => (type === "sort" || type === "type" ? (text === "" ? -Infinity : Number(text)) : show(text)),
    };
  };
  // By column: texts, and the place of each row's text among them; no places: a text per row.
  const rowsOf = (columns) => {
    const cells = columns.map(([texts, places]) => (places.length ? places.map((place) => texts[place]) : texts));
    return cells[0].map((_, row) => cells.map((column) => column[row]));
  };
  const fill = async (place) => {
    const { default: DataTable } = await window.holdfastTables;
    const rows = rowsOf(JSON.parse(document.getElementById(place.dataset.rows).textContent));
    const filled = new DataTable(place, {
      data: rows,
      columns: place.dataset.kinds.split(" ").map((kind) => columnOf(kind, place.dataset.customers)),
      deferRender: true,
      autoWidth: false,
      order: [],
      pageLength: 25,
      language: { search: "Search " },
    });
    if (place.dataset.filters) narrow(place, filled, rows, place.dataset.filters.split(" ").map(Number));
  };
  // A list of the values of a column; choosing one leaves the rows that have it.
  const narrow = (place, filled, rows, columns) => {
    const filters = document.createElement("div");
    filters.className = "filters";
    for (const at of columns) {
      const label = document.createElement("label");
      label.textContent = filled.column(at).header().textContent;
      const choice = document.createElement("select");
      choice.add(new Option("all", "all"));
      const values = [...new Set(rows.map((row) => row[at]))].sort();
      values.forEach((value) => choice.add(new Option(value === "" ? "–" : value, `=${value}`)));
      choice.addEventListener("change", () => {
        // What is searched has no ends of lines.
        const wanted = choice.value.slice(1).replace(/[\r\n\u2028]/g, "");
        filled.column(at).search(choice.value === "all" ? "" : (text) => text === wanted).draw();
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
