// A question with radio buttons. A click shows at once what is right, without waiting for the
// kernel, and writes answer="b" into the source of the cell, the one place where it is kept.
const VIEW = "application/vnd.jupyter.widget-view+json";
const ANSWER = /^(\s*answer=)(?:\.\.\.|"[a-z]")(?=,?\s*$)/m;
const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

function render({ model, el }) {
  const fieldset = document.createElement("fieldset");
  fieldset.style.cssText =
    "margin:0;padding:0 0.8em;min-inline-size:0;border:1px solid var(--jp-border-color1,#767676);" +
    "color:var(--jp-content-font-color1,inherit);font-size:var(--jp-content-font-size1,inherit);" +
    "line-height:var(--jp-content-line-height,1.6)";
  const legend = document.createElement("legend");
  legend.textContent = model.get("question");
  // Inside the frame, for a long question would cross it.
  legend.style.cssText = "font-weight:bold;float:left;width:100%;padding:0.5em 0 0.3em";
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  status.style.margin = "0.4em 0 0.6em";

  const group = `prediction-${Math.random()}`;
  const buttons = Object.entries(model.get("options")).map(([letter, text]) => {
    const button = document.createElement("input");
    Object.assign(button, { type: "radio", name: group, value: letter });
    // JupyterLab would take the arrow keys, and letters as its commands.
    button.dataset.lmSuppressShortcuts = "true";
    const label = document.createElement("label");
    label.style.cssText = "display:block;clear:both";
    label.append(button, ` ${letter}) ${text}`);
    fieldset.append(label);
    return button;
  });
  fieldset.prepend(legend);
  fieldset.append(status);
  el.append(fieldset);

  // The browser would choose whatever an arrow key reaches, and show what is right with it. Here
  // arrows only look around; the space bar and Enter choose.
  fieldset.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(event.target);
    if (at >= 0 && event.key in STEPS) {
      event.preventDefault();
      buttons.at((at + STEPS[event.key]) % buttons.length).focus();
    } else if (at >= 0 && event.key === "Enter") {
      event.preventDefault();
      event.target.click();
    }
  });
  fieldset.addEventListener("click", (event) => {
    const final = model.get("final") && model.get("answer") in model.get("told");
    if (buttons.includes(event.target) && final) event.preventDefault();
  });
  fieldset.addEventListener("change", (event) => {
    const letter = event.target.value;
    model.set("answer", letter);
    model.save_changes();
    if (!keep(model, letter)) {
      status.textContent += ` To keep it, write answer="${letter}" into this cell.`;
    }
  });

  function show() {
    const answer = model.get("answer");
    const told = model.get("told");
    for (const button of buttons) {
      button.checked = button.value === answer;
      button.setAttribute("aria-disabled", String(model.get("final") && answer in told));
    }
    status.textContent = told[answer] ?? model.get("invitation");
  }

  model.on("change", show);
  show();
  return () => model.off("change", show);
}

// Write the answer into the cell that shows this model; tell whether there was a place for it.
function keep(model, letter) {
  const cells = model.widget_manager?.context?.model?.sharedModel?.cells ?? [];
  const cell = cells.find(
    (c) =>
      c.getOutputs?.().some((output) => output.data?.[VIEW]?.model_id === model.get("key")) &&
      ANSWER.test(c.getSource()),
  );
  cell?.setSource(cell.getSource().replace(ANSWER, `$1"${letter}"`));
  return Boolean(cell);
}

export default { render };
