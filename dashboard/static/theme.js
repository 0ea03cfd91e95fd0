// Before the first paint: the theme that the reader chose, else the one of the system.
"use strict";
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("holdfast-theme"); } catch { /* Pages may keep nothing here. */ }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
