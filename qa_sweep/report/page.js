"use strict";

const N_ROWS = 50; // of a table that are shown at first
const PRINTED_WIDTH = 680; // pixels: A4 without its margins
const NARROW = 500; // pixels of a chart; its legend stands below
const COLORS = {
  light: ["#1f6feb", "#c4420a", "#1a7f37", "#8250df", "#bf3989", "#7d4e00", "#0a7f8c", "#57606a"],
  dark: ["#6cb0ff", "#ff9b6b", "#5dd879", "#c49bff", "#ff8ac4", "#e0b25c", "#4fd0dd", "#aab4be"],
};

function drawFigures() {
  const contents = JSON.parse(document.getElementById("figure-data").textContent);
  const places = [...document.querySelectorAll("[data-figure]")];
  const isDark = matchMedia("(prefers-color-scheme: dark)");
  let width; // null: as wide as its place

  function draw(place) {
    const { data, layout, onPaper } = contents[place.dataset.figure];
    const dressed = { ...layout, ...looks(isDark.matches && !width && !onPaper) };
    if (onPaper) dressed.paper_bgcolor = dressed.plot_bgcolor = "#ffffff";
    if (width) dressed.width = width;
    dressed.margin = { l: 60, r: 20, t: 20, b: 50, ...layout.margin };
    if (place.clientWidth < NARROW) dressed.legend = { orientation: "h", y: -0.2, yanchor: "top" };
    return Plotly.react(place, data, dressed, {
      displayModeBar: false, displaylogo: false, responsive: true, showLink: false,
      plotlyServerURL: "", topojsonURL: "",
    });
  }
  function drawAll(printedWidth) {
    width = printedWidth;
    places.forEach(draw);
  }
  // One at a time, so that the page can be read and scrolled meanwhile.
  function drawNext(rest) {
    if (!rest.length) return document.body.classList.add("drawn");
    draw(rest[0]);
    setTimeout(drawNext, 0, rest.slice(1));
  }
  isDark.addEventListener("change", () => drawAll());
  addEventListener("beforeprint", () => drawAll(PRINTED_WIDTH));
  addEventListener("afterprint", () => drawAll());
  drawNext(places);
}

function looks(isDark) {
  const ink = isDark ? "#e6edf3" : "#1b1f24";
  const line = isDark ? "#353c45" : "#d0d7de";
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true };
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, family: "system-ui, sans-serif", size: 12 },
    colorway: COLORS[isDark ? "dark" : "light"],
    dragmode: false, // a finger scrolls the page
    template: { layout: { xaxis: axis, yaxis: axis } },
  };
}

function makeSortable(table) {
  const body = table.tBodies[0];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const descends = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descends ? "descending" : "ascending");
      const rows = [...body.rows].sort((a, b) => compare(a.cells[column], b.cells[column], descends));
      body.replaceChildren(...rows);
      table.dispatchEvent(new Event("sorted"));
    });
  });
}

// Numbers by size, texts by their letters; what is missing comes last either way.
function compare(a, b, descends) {
  const [x, y] = [a, b].map((cell) => cell.dataset.key);
  const sign = descends ? -1 : 1;
  if (x !== undefined && y !== undefined) return sign * (x - y);
  if (x !== undefined || y !== undefined) return x === undefined ? 1 : -1;
  return sign * a.textContent.localeCompare(b.textContent);
}

function shorten(table) {
  const rows = () => [...table.tBodies[0].rows];
  const count = rows().length;
  if (count <= N_ROWS) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "more";
  button.setAttribute("aria-expanded", "false");
  table.parentElement.after(button);
  function show() {
    const isWhole = button.getAttribute("aria-expanded") === "true";
    rows().forEach((row, place) => { row.hidden = !isWhole && place >= N_ROWS; });
    button.textContent = isWhole ? `Show the first ${N_ROWS}` : `Show all ${count}`;
  }
  button.addEventListener("click", () => {
    button.setAttribute("aria-expanded", String(button.getAttribute("aria-expanded") !== "true"));
    show();
  });
  table.addEventListener("sorted", show);
  show();
}

// What scrolls by itself must be reached by keyboard.
function makeScrollable() {
  for (const part of document.querySelectorAll(".wide")) {
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
  }
}

for (const table of document.querySelectorAll("table.sortable")) {
  makeSortable(table);
  shorten(table);
}
makeScrollable();
addEventListener("resize", makeScrollable);
drawFigures();
