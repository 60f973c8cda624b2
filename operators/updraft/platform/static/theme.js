// Light or dark, as Airflow around the page is; alone, as the browser or Airflow's own choice says.

const wished = matchMedia("(prefers-color-scheme: dark)");

/** The document of Airflow's frame, null where the page stands alone. */
function frame() {
  try {
    return window.parent === window ? null : window.parent.document.documentElement;
  } catch {
    return null; // of another origin
  }
}

function isDark() {
  const around = frame();
  if (around) return around.classList.contains("dark");
  const chosen = localStorage.getItem("theme");
  return chosen === "dark" || (chosen !== "light" && wished.matches);
}

/** Put the theme on the page now and whenever it changes, then call `changed`. */
export function followTheme(changed) {
  const put = () => {
    document.documentElement.classList.toggle("dark", isDark());
    changed();
  };
  put();
  wished.addEventListener("change", put);
  window.addEventListener("storage", put);
  const around = frame();
  if (around) new MutationObserver(put).observe(around, { attributeFilter: ["class"] });
}
