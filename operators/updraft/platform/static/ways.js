// Links out of the page. Airflow's frame lets nothing inside it open a page or a tab, so they are
// followed by the frame's own document.

const base = location.pathname.replace(/\/platform\/$/, "");

/** Make an anchor lead out: to an address, or to a path of Airflow's UI. */
export function outside(anchor, address) {
  const external = /^https?:\/\//.test(address);
  anchor.href = external ? address : `${base}/${address}`;
  anchor.dataset.out = external ? "tab" : "page";
  anchor.rel = "noopener";
  if (external) anchor.target = "_blank";
  return anchor;
}

/** Follow such links from inside Airflow's frame. */
export function routeOut() {
  if (window.parent === window) return;
  document.addEventListener("click", (event) => {
    const anchor = event.target.closest?.("a[data-out]");
    if (!anchor) return;
    event.preventDefault();
    const document_ = window.parent.document;
    const copy = document_.createElement("a");
    copy.href = anchor.href;
    copy.rel = "noopener";
    if (anchor.dataset.out === "tab" || event.ctrlKey || event.metaKey) copy.target = "_blank";
    document_.body.append(copy);
    copy.click();
    copy.remove();
  });
}
