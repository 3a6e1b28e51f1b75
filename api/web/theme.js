// Light or dark before anything is painted: as chosen here, else as the system has it. No module, so that it comes first.
(() => {
  const root = document.documentElement;
  const stored = () => { try { return localStorage.getItem("reelgraph-theme"); } catch { return null; } };
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  if (["light", "dark"].includes(stored())) root.dataset.theme = stored();
  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const show = () => button.setAttribute("aria-pressed", String(isDark()));
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try { localStorage.setItem("reelgraph-theme", root.dataset.theme); } catch { /* then it holds for this page alone */ }
      show();
    });
    system.addEventListener("change", show);
    show();
  });
})();
