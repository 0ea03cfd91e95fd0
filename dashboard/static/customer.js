// Looks a customer up and shows it. All text is set as text; nothing is made of HTML.
"use strict";
(() => {
  const place = document.querySelector(".lookup");
  const root = document.documentElement;
  const perFile = Number(place.dataset.perFile);
  const { currency, asOf } = place.dataset;
  const SHOWN = 20;

  // Files of data: a page from the file system may read scripts only. Each hands over one value,
  // JSON as zlib in base64.
  const files = new Map();
  const waiting = new Map();
  window.holdfastCustomers = async (name, packed) => {
    const { found, failed } = waiting.get(name);
    try {
      const bytes = Uint8Array.from(atob(packed), (sign) => sign.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
      found(JSON.parse(await new Response(stream).text()));
    } catch (error) {
      failed(error);
    }
  };
  const load = (name) => {
    if (!files.has(name)) {
      files.set(name, new Promise((found, failed) => {
        waiting.set(name, { found, failed });
        const script = document.createElement("script");
        script.src = `data/customer/${name}.js`;
        script.onerror = () => failed(new Error(`data/customer/${name}.js is not beside this page`));
        document.head.append(script);
      }));
    }
    return files.get(name);
  };

  // Figures come as exact decimal text and stay text.
  const number = (text) => {
    if (text === null || text === undefined) return "–";
    const [whole, part] = text.replace("-", "").split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
    return (/^-.*[1-9]/.test(text) ? "−" : "") + grouped + (part === undefined ? "" : `.${part}`);
  };
  const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  const day = (text) => {
    if (!text) return text;
    const [year, month, date] = text.split("-");
    return `${Number(date)} ${MONTHS[month - 1]} ${year}`;
  };
  const money = (text) => (text === null ? "–" : `${number(text)} ${currency}`);
  const words = (text) => (text === null ? "–" : text.replaceAll("_", " "));
  const make = (name, text, kind) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };

  const input = document.getElementById("find");
  const said = document.getElementById("find-said");
  const list = document.getElementById("found");
  const shown = document.getElementById("customer");
  const plain = (text) => (text ?? "").normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  const search = async () => {
    const index = await load("index");
    const wanted = plain(input.value.trim());
    list.replaceChildren();
    said.textContent = "";
    if (!wanted) return;
    let matches = 0;
    for (const [id, name, status] of index) {
      if (!plain(name).includes(wanted) && !plain(id).includes(wanted)) continue;
      matches += 1;
      if (matches > SHOWN) continue;
      const link = make("a", name ?? id);
      link.href = `#${encodeURIComponent(id)}`;
      const item = make("li");
      item.append(link, make("span", ` ${id} · ${words(status)}`));
      list.append(item);
    }
    said.textContent = matches === 0 ? "No customer has that in its name or id."
      : matches > SHOWN ? `${matches.toLocaleString("en-US")} customers; the first ${SHOWN} are listed.`
        : `${matches} ${matches === 1 ? "customer" : "customers"}`;
  };

  // Files of values: made here, and no text in them is a formula.
  const csv = (headers, rows) => {
    const cell = (value) => {
      const text = value ?? "";
      const safe = /^[=+\-@\t\r\n]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
      return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    return [headers, ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
  };
  const offer = (link, name, headers, rows) => {
    if (link.href.startsWith("blob:")) URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(new Blob([csv(headers, rows)], { type: "text/csv" }));
    link.download = `${name}.csv`;
  };

  const rowOf = (cells, kinds = []) => {
    const row = make("tr");
    cells.forEach((text, at) => row.append(make("td", text ?? "–", kinds[at])));
    return row;
  };
  const headersOf = (part) => [...part.querySelectorAll("thead th")].map((one) => one.textContent);

  // Points: [month, exact text, words beside the value, whether the month is complete].
  const figure = async (key, id, title, points, unit, empty) => {
    const part = document.getElementById(key);
    const heading = part.querySelector("h4");
    const note = part.querySelector(".note");
    const known = points.filter((point) => point[1] !== null && point[1] !== undefined);
    heading.textContent = known.length ? title : heading.dataset.title;
    note.hidden = known.length > 0;
    note.textContent = empty;
    part.querySelector("tbody").replaceChildren(
      ...points.map((point) => rowOf([point[0], number(point[1])], ["date", "number"])));
    offer(part.querySelector(".csv"), `${id}-${key}`, headersOf(part), points.map((point) => point.slice(0, 2)));
    const chart = part.querySelector(".chart");
    chart.replaceChildren();
    if (!known.length) return;
    const spec = JSON.parse(part.querySelector(".spec").textContent);
    spec.description = title;
    spec.data = {
      values: known.map(([month, value, beside, isComplete]) => ({
        month,
        value: Number(value),
        series: "score",
        is_complete: isComplete !== "false",
        label: `${month}: ${number(value)} ${unit}${beside ?? ""}${isComplete === "false" ? ", running month" : ""}`,
      })),
    };
    await vegaEmbed(chart, spec, { renderer: "svg", actions: false, ast: true, tooltip: { theme: "custom" } });
  };

  const table = (key, id, rows, kinds, show, nothing) => {
    const part = document.getElementById(`customer-${key}`);
    const said = part.querySelector(".nothing");
    said.textContent = nothing;
    said.hidden = rows.length > 0;
    part.querySelector(".scroll").hidden = rows.length === 0;
    part.querySelector("tbody").replaceChildren(...rows.map((row) => rowOf(show(row), kinds)));
    const headers = headersOf(part);
    offer(part.querySelector(".csv"), `${id}-${key}`, headers, rows.map((row) => row.slice(0, headers.length)));
  };

  const review = (parts) => {
    const pack = document.getElementById("customer-review");
    const said = pack.querySelector(".nothing");
    said.hidden = parts.length > 0;
    said.textContent = "Review packs are of customers that pay.";
    document.getElementById("review-title").textContent =
      parts.length ? `Review pack: ${day(parts[0][3])} to ${asOf}` : "Review pack";
    pack.querySelector(".review-parts").replaceChildren(...parts.map(([title, headline, body]) => {
      // Next steps name the alerts behind them.
      const part = make("div", undefined, title === "Next steps" ? "review-part ours" : "review-part");
      part.append(make("h5", title), make("p", headline ?? "–", "headline"));
      if (body) part.append(make("p", body, "body"));
      return part;
    }));
  };

  const facts = (record) => {
    const { facts: one, health = [] } = record;
    const name = document.getElementById("customer-name");
    name.textContent = one.name ?? one.customer_id;
    document.getElementById("customer-facts").textContent = [
      one.customer_id, words(one.status), one.plan, one.segment, words(one.industry), one.country,
      `owner ${one.owner_id ?? "nobody"}`, one.parent_account_id && `part of ${one.parent_account_id}`,
    ].filter((text) => text && text !== "–").join(" · ");
    const last = health.at(-1);
    const tiles = [
      ["MRR", money(one.current_mrr), ""],
      ["Health", last ? `${number(last[1])}` : "–", last ? `${last[2]}, ${last[4] === null ? "no score 30 days ago" : `${last[4].startsWith("-") ? "" : "+"}${number(last[4])} in 30 days`}` : "no score"],
      ["Costs most health", last?.[5] ? words(last[5]) : "–", ""],
      ["First paid", day(one.first_paid) ?? "never", one.churned ? `lost ${day(one.churned)}` : ""],
    ];
    document.getElementById("customer-tiles").replaceChildren(...tiles.map(([label, value, beside]) => {
      const tile = make("div");
      tile.append(make("dt", label), make("dd", value));
      if (beside) tile.append(make("dd", beside, "beside"));
      return tile;
    }));
    return name;
  };

  const rank = { red: "red", amber: "amber", green: "green" };
  const show = async () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const isPart = id && document.getElementById(id) !== null;
    if (!id || isPart) return;
    delete root.dataset.customer;
    const index = await load("index");
    const at = index.findIndex((row) => row[0] === id);
    if (at < 0) {
      shown.hidden = true;
      said.textContent = `There is no customer ${id} in this release.`;
      root.dataset.customer = "unknown";
      return;
    }
    const file = await load(String(Math.floor(at / perFile)));
    const record = file[at % perFile];
    shown.hidden = false;
    const heading = facts(record);
    document.title = `${record.facts.name ?? id} · Holdfast`;
    list.replaceChildren();
    said.textContent = "";
    const { mrr = [], health = [], usage = [] } = record;
    table("actions", id, record.actions ?? [], ["date", "", "", "", "", "number"],
      (row) => [day(row[0]) + (row[6] === "true" ? ", overdue" : ""), words(row[1]), words(row[2]), row[3], row[4], number(row[5])],
      "Nothing is open.");
    table("signals", id, record.signals ?? [], ["", "date", ""], (row) => [words(row[0]), day(row[1]), row[2]],
      "No signals: the customer does not pay.");
    table("fired", id, record.fired ?? [], ["date", "", "", "date", ""],
      (row) => [day(row[0]), words(row[1]), row[2], day(row[3]) ?? "open", row[4]], "No trigger has fired.");
    review(record.review ?? []);
    const end = (points) => points.at(-1) ?? [];
    const scores = health.map((row) => [row[0], row[1], `, ${rank[row[2]] ?? row[2]}, ${row[3]} % of the weights with data`]);
    await Promise.all([
      figure("figure-mrr", id, `MRR ${money(end(mrr)[1] ?? null)} in ${end(mrr)[0]}`,
        mrr.map(([month, value, isComplete]) => [month, value, "", isComplete]), currency, "This customer has had no MRR."),
      figure("figure-health", id, `Health ${number(end(health)[1])} of 100, ${end(health)[2]}`, scores, "of 100", "No score: too little is known, or the customer does not pay."),
      figure("figure-active", id, `Active on ${number(end(usage)[1])} of 28 days`, usage.map((row) => [row[0], row[1]]), "active days of 28", "No use is known."),
      figure("figure-breadth", id, `${number(end(usage)[2])} % of the core features used`, usage.map((row) => [row[0], row[2]]), "% of the core features", "No use is known."),
    ]);
    root.dataset.customer = id;
    heading.focus({ preventScroll: false });
  };
  const attempt = (work) => () => work().catch((error) => {
    said.textContent = `This could not be read: ${error.message}.`;
    root.dataset.customer = "failed";
    console.error(error);
  });

  place.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    // Return takes the first one found.
    list.querySelector("a")?.click();
  });
  let soon = 0;
  input.addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(attempt(search), 120);
  });
  document.getElementById("print").addEventListener("click", () => window.print());
  addEventListener("hashchange", attempt(show));
  attempt(() => load("index"))();
  attempt(show)();
})();
