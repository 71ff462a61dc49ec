// A figure whose picture is swapped only when the next one is decoded, so that it never flickers,
// and whose alt text is announced once a burst of changes has ended.
const QUIET = 400; // milliseconds without a change before screen readers are told

function render({ model, el }) {
  const figure = document.createElement("figure");
  figure.style.margin = "0";
  const img = document.createElement("img");
  img.style.maxWidth = "100%";
  const status = document.createElement("div");
  status.setAttribute("role", "status");
  status.style.cssText =
    "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap";
  figure.append(img, status);
  el.append(figure);

  let latest = 0;
  let shown = null;
  let timer = null;

  async function swap() {
    const turn = ++latest;
    const url = URL.createObjectURL(new Blob([model.get("png")], { type: "image/png" }));
    const next = new Image();
    next.src = url;
    try {
      await next.decode();
    } catch {
      URL.revokeObjectURL(url);
      return;
    }
    if (turn !== latest) {
      URL.revokeObjectURL(url);
      return;
    }
    img.width = model.get("width");
    img.alt = model.get("alt");
    img.src = url;
    if (shown) URL.revokeObjectURL(shown);
    shown = url;
    clearTimeout(timer);
    timer = setTimeout(() => (status.textContent = model.get("alt")), QUIET);
  }

  // ipywidgets gives its sliders no accessible name; their visible label is the right one.
  function nameSliders() {
    const box = el.closest(".widget-explorer") ?? el.parentElement;
    for (const control of box?.querySelectorAll(".widget-hslider") ?? []) {
      const label = control.querySelector(".widget-label")?.textContent;
      const handle = control.querySelector("[role=slider]");
      if (label && handle) handle.setAttribute("aria-label", label);
    }
  }

  // Picture and alt arrive in one message, and "change" fires once for both.
  model.on("change", swap);
  swap();
  const watcher = new MutationObserver(nameSliders);
  const start = requestAnimationFrame(() => {
    nameSliders();
    const box = el.closest(".widget-explorer");
    if (box) watcher.observe(box, { childList: true, subtree: true });
  });
  return () => {
    cancelAnimationFrame(start);
    model.off("change", swap);
    watcher.disconnect();
    clearTimeout(timer);
    if (shown) URL.revokeObjectURL(shown);
  };
}

export default { render };
